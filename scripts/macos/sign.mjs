// Signs a Mach-O file ad hoc, as `codesign --sign -` does on a Mac, where this does not run. Usage:
//   node sign.mjs --identifier NAME [--entitlements FILE.plist] FILE [OUTPUT]
// It is ours because nothing that signs comes ready made with Debian, npm or PyPI: the kept tool, rcodesign, takes minutes to compile,
// for what is a table of page hashes. It was asked for a second opinion: docs/testing-on-a-mac.md.

import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeEntitlements, parseEntitlements } from './entitlements.mjs';
import { MH_EXECUTE, parse, reserve } from './macho.mjs';

const MAGIC = {
  signature: 0xfade0cc0,
  directory: 0xfade0c02,
  requirements: 0xfade0c01,
  entitlements: 0xfade7171,
  entitlementsDer: 0xfade7172,
  cms: 0xfade0b01,
};
const SLOT = { directory: 0, requirements: 2, entitlements: 5, entitlementsDer: 7, cms: 0x10000 };
const VERSION = 0x20400;
/** Ad hoc, and nothing else: with the hardened runtime the kernel would refuse the addon. */
const FLAGS = 0x2;
const PAGE = 4096;
const HASH_SIZE = 32;
const SHA256 = 2;
const DIRECTORY_HEADER = 88;
/** The kernel grants a main program's entitlements only with this bit. */
const MAIN_BINARY = 1;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

function blob(magic, content) {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(magic, 0);
  header.writeUInt32BE(8 + content.length, 4);
  return Buffer.concat([header, content]);
}

/** The signed copy of `file`. `entitlements` is the text of a property list, or null. */
export function sign(file, identifier, entitlements) {
  const parts = new Map([[SLOT.requirements, blob(MAGIC.requirements, Buffer.alloc(4))]]);
  if (entitlements !== null) {
    parts.set(SLOT.entitlements, blob(MAGIC.entitlements, Buffer.from(entitlements)));
    parts.set(SLOT.entitlementsDer, blob(MAGIC.entitlementsDer, encodeEntitlements(parseEntitlements(entitlements))));
  }
  const name = Buffer.from(`${identifier}\0`);
  const specials = Math.max(...parts.keys());
  const { type, text, limit } = parse(file);
  const pages = Math.ceil(limit / PAGE);
  const hashes = DIRECTORY_HEADER + name.length + specials * HASH_SIZE;
  const directorySize = hashes + pages * HASH_SIZE;
  const indexSize = 12 + 8 * (parts.size + 2);
  const size = [...parts.values()].reduce((sum, part) => sum + part.length, indexSize + directorySize + 8);
  const room = reserve(file, Math.ceil(size / 16) * 16);

  const directory = Buffer.alloc(directorySize);
  const words = [
    ...[MAGIC.directory, directorySize, VERSION, FLAGS, hashes, DIRECTORY_HEADER, specials, pages, limit],
    // Size and kind of a hash, platform, log2 of the page; then what we have none of: spare, scatter, team, spare, large limit.
    ...[(HASH_SIZE << 24) | (SHA256 << 16) | Math.log2(PAGE), 0, 0, 0, 0, 0, 0],
  ];
  for (const [index, word] of words.entries()) directory.writeUInt32BE(word, 4 * index);
  directory.writeBigUInt64BE(BigInt(text.offset), 64);
  directory.writeBigUInt64BE(BigInt(text.size), 72);
  directory.writeBigUInt64BE(BigInt(type === MH_EXECUTE ? MAIN_BINARY : 0), 80);
  name.copy(directory, DIRECTORY_HEADER);
  // Slot n lies n hashes before the first page's; the hash of what is absent is zero.
  for (const [slot, part] of parts) sha256(part).copy(directory, hashes - slot * HASH_SIZE);
  for (let page = 0; page < pages; page++) {
    const content = room.subarray(page * PAGE, Math.min((page + 1) * PAGE, limit));
    sha256(content).copy(directory, hashes + page * HASH_SIZE);
  }

  const all = [[SLOT.directory, directory], ...parts, [SLOT.cms, blob(MAGIC.cms, Buffer.alloc(0))]];
  const index = Buffer.alloc(4 + 8 * all.length);
  index.writeUInt32BE(all.length, 0);
  let offset = indexSize;
  for (const [position, [slot, part]] of all.entries()) {
    index.writeUInt32BE(slot, 4 + 8 * position);
    index.writeUInt32BE(offset, 8 + 8 * position);
    offset += part.length;
  }
  blob(MAGIC.signature, Buffer.concat([index, ...all.map(([, part]) => part)])).copy(room, limit);
  return room;
}

/** Signs `input` into `output` by rename: a Mac kills a program whose signed file was overwritten in place. */
export function signFile(input, output, identifier, entitlements) {
  const signed = sign(readFileSync(input), identifier, entitlements);
  const temporary = `${output}.signing-${process.pid}`;
  writeFileSync(temporary, signed);
  chmodSync(temporary, 0o755);
  renameSync(temporary, output);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { identifier: { type: 'string' }, entitlements: { type: 'string' } },
    allowPositionals: true,
  });
  const [input, output = input] = positionals;
  if (input === undefined || values.identifier === undefined)
    throw new Error('usage: sign.mjs --identifier NAME [--entitlements FILE.plist] FILE [OUTPUT]');
  const entitlements = values.entitlements === undefined ? null : readFileSync(values.entitlements, 'utf8');
  signFile(input, output, values.identifier, entitlements);
}
