// Writes the headers of the frameworks that the addon uses, for the builds off the Mac: `node native/api/generate.mjs [DIRECTORY]`.
// Default: build/native/include. A file that would not change keeps its time, so that nothing is compiled again for it.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { virtualizationHeader } from './header.mjs';
import { vmnetHeader } from './vmnet.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const facts = JSON.parse(readFileSync(join(here, 'virtualization.json'), 'utf8'));
const directory = process.argv[2] ?? join(here, '../../build/native/include');

write('Virtualization/Virtualization.h', virtualizationHeader(facts));
write('vmnet/vmnet.h', vmnetHeader(facts.vmnet));

function write(name, text) {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  if (current(path) !== text) writeFileSync(path, text);
}

function current(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
