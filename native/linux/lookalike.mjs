// What binding.gyp and CMakeLists.txt ask when they build off the Mac: `node native/linux/lookalike.mjs WHAT`, one answer a line.
// `sources` writes the generated ones first.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const list = JSON.parse(readFileSync(join(root, 'test/lookalike/sources.json'), 'utf8'));

const answers = {
  sources() {
    for (const program of list.generate)
      execFileSync(process.execPath, [join(root, program)], { stdio: ['ignore', 2, 2] });
    return [...list.sources, ...list.generated];
  },
  include: () => [...list.include, ...list.privateInclude],
  control: () => list.control,
  headers: () => ['native/src', 'native/src/vz', 'test/lookalike/src', ...list.include].flatMap(headersOf),
  /** GNUstep's own, without what compile sets. The Objective-C headers that clang lacks lie with gcc, whose others must not win. */
  objectiveFlags: () => [
    ...words('gnustep-config', '--objc-flags').filter((flag) => !/^-(M|O|W|g$|I\.$)/.test(flag)),
    ...answers.include().map((directory) => `-I${directory}`),
    '-idirafter',
    gccInclude(),
  ],
  libraries: () => [
    ...words('gnustep-config', '--base-libs').filter((flag) => flag !== '-rdynamic'),
    '-ldl',
    '-lpthread',
  ],
};

/** gnustep-config asks make, which would tell of itself when it runs under another make. */
function words(program, ...args) {
  const { MAKEFLAGS: _flags, MAKELEVEL: _level, ...env } = process.env;
  return execFileSync(program, args, { encoding: 'utf8', env }).split(/\s+/).filter(Boolean);
}

function headersOf(directory) {
  return readdirSync(join(root, directory), { recursive: true })
    .filter((name) => name.endsWith('.h'))
    .map((name) => join(directory, name));
}

function gccInclude() {
  const found = readdirSync('/usr/lib/gcc').flatMap((machine) =>
    readdirSync(join('/usr/lib/gcc', machine)).map((version) => join('/usr/lib/gcc', machine, version, 'include')),
  );
  const withObjc = found.filter((directory) => readdirSync(directory).includes('objc')).sort();
  if (withObjc.length === 0) throw new Error('no headers of the Objective-C runtime: apt-get install gobjc++');
  return withObjc.at(-1);
}

const answer = answers[process.argv[2]];
if (answer === undefined) throw new Error(`lookalike.mjs: WHAT is one of ${Object.keys(answers).join(', ')}`);
process.stdout.write(`${answer().join('\n')}\n`);
