// Reads the signature of a Mach-O file back, and fails on whatever a Mac would refuse. It shares no code with what signs, so that
// no misunderstanding is checked by itself. Usage:
//   node check-signature.mjs FILE                                    what is there, as JSON; fails when hashes or structure are wrong
//   node check-signature.mjs FILE --adhoc NAME [--entitlements FILE.plist]   and fails unless it is signed ad hoc, by that name,
//                                                                    with exactly these entitlements (none without the option)

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { decodeDer, decodePlist } from './read-entitlements.mjs';

const ADHOC = 0x2;
const HASHES = { 1: ['sha1', 20], 2: ['sha256', 32] };
const BLOBS = {
  0: ['code directory', 0xfade0c02],
  2: ['requirements', 0xfade0c01],
  5: ['entitlements', 0xfade7171],
  7: ['DER entitlements', 0xfade7172],
  65536: ['CMS', 0xfade0b01],
};
const SLOT_NAMES = {
  1: 'Info.plist',
  2: 'requirements',
  3: 'resources',
  4: 'application',
  5: 'entitlements',
  7: 'DER entitlements',
};

function must(condition, complaint) {
  if (!condition) throw new Error(complaint);
}

/** The load commands that matter, and that they agree with each other and with the file. */
function readImage(view) {
  must(view.byteLength > 32 && view.getUint32(0, true) === 0xfeedfacf, 'this is not a 64-bit Mach-O file');
  must([0x0100000c, 0x01000007].includes(view.getUint32(4, true)), 'this is neither for arm64 nor for x86_64');
  const image = { executable: view.getUint32(12, true) === 2, segments: new Map(), signature: null };
  let at = 32;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    const [command, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    if (command === 0x19) {
      const name = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at + 8, 16)).split('\0')[0];
      const [, memory, offset, length] = [24, 32, 40, 48].map((field) => Number(view.getBigUint64(at + field, true)));
      image.segments.set(name, { memory, offset, length });
    }
    if (command === 0x1d) {
      must(image.signature === null, 'there are two signatures');
      image.signature = { offset: view.getUint32(at + 8, true), length: view.getUint32(at + 12, true) };
    }
    at += size;
  }
  must(at === 32 + view.getUint32(20, true), 'the load commands are not as long as the header says');
  must(image.signature !== null, 'there is no signature');
  const { offset, length } = image.signature;
  const linkedit = image.segments.get('__LINKEDIT');
  must(linkedit && linkedit.offset + linkedit.length === view.byteLength, '__LINKEDIT does not end with the file');
  must(linkedit.memory >= linkedit.length, '__LINKEDIT is not mapped whole');
  must(offset + length === view.byteLength && offset >= linkedit.offset, 'the signature does not end with the file');
  must(offset % 16 === 0, 'the signature is not aligned');
  return image;
}

/** Slot number → the whole blob. */
function readBlobs(signature) {
  must(signature.length > 12 && signature.readUInt32BE(0) === 0xfade0cc0, 'what should be the signature is not one');
  const total = signature.readUInt32BE(4);
  must(total <= signature.length, 'the signature is longer than its place');
  must(
    signature.subarray(total).every((byte) => byte === 0),
    'something follows the signature',
  );
  const blobs = new Map();
  let end = 12 + 8 * signature.readUInt32BE(8);
  for (let at = 12; at < 12 + 8 * signature.readUInt32BE(8); at += 8) {
    const [slot, offset] = [signature.readUInt32BE(at), signature.readUInt32BE(at + 4)];
    const name = BLOBS[slot]?.[0] ?? `slot ${slot}`;
    // Linkers align the first one.
    must(offset >= end && offset < end + 8, `${name}: there is a gap or an overlap`);
    must(!blobs.has(slot), `${name}: there are two`);
    end = offset + signature.readUInt32BE(offset + 4);
    must(end <= total, `${name}: it is longer than the signature`);
    if (BLOBS[slot]) must(signature.readUInt32BE(offset) === BLOBS[slot][1], `${name}: it is of another kind`);
    blobs.set(slot, signature.subarray(offset, end));
  }
  must(end === total, 'the signature is longer than what it holds');
  return blobs;
}

function readDirectory(blob) {
  const word = (at) => blob.readUInt32BE(at);
  const [, , version, flags, hashes, name, specials, pages, limit] = [0, 4, 8, 12, 16, 20, 24, 28, 32].map(word);
  must(version >= 0x20400, `code directory: version ${version.toString(16)} says nothing of the main segment`);
  must(HASHES[blob[37]] !== undefined && HASHES[blob[37]][1] === blob[36], 'code directory: unknown hash');
  must(hashes + pages * blob[36] <= blob.length, 'code directory: it is shorter than its pages need');
  const text = (at) => blob.toString('latin1', at, blob.indexOf(0, at));
  const [segmentStart, segmentLength, segmentFlags] = [64, 72, 80].map((at) => Number(blob.readBigUInt64BE(at)));
  const hash = { algorithm: HASHES[blob[37]][0], size: blob[36], at: hashes, page: 2 ** blob[39] };
  const team = word(48) === 0 ? null : text(word(48));
  return {
    flags,
    identifier: text(name),
    team,
    specials,
    pages,
    limit,
    hash,
    segmentStart,
    segmentLength,
    segmentFlags,
  };
}

function checkDirectory(file, image, blobs, blob) {
  const directory = readDirectory(blob);
  const { hash, limit, pages, specials } = directory;
  const digest = (content) => createHash(hash.algorithm).update(content).digest();
  const slot = (number) => blob.subarray(hash.at + number * hash.size, hash.at + (number + 1) * hash.size);
  must(limit === image.signature.offset, 'code directory: it does not cover the file up to the signature');
  must(pages === Math.ceil(limit / hash.page), `code directory: ${pages} pages are not the file`);
  for (let page = 0; page < pages; page++) {
    const content = file.subarray(page * hash.page, Math.min((page + 1) * hash.page, limit));
    must(timingSafeEqual(digest(content), slot(page)), `page ${page} (offset ${page * hash.page}) has another hash`);
  }
  for (const number of blobs.keys())
    must(number === 0 || number >= 0x1000 || number <= specials, `slot ${number} is not covered by the code directory`);
  for (let number = 1; number <= specials; number++) {
    const expected = blobs.has(number) ? digest(blobs.get(number)) : Buffer.alloc(hash.size);
    // Info.plist and resources lie outside of the signature.
    if ((number === 1 || number === 3) && !slot(-number).equals(expected)) continue;
    must(
      slot(-number).equals(expected),
      `special slot ${number} (${SLOT_NAMES[number] ?? 'unknown'}) has another hash`,
    );
  }
  const text = image.segments.get('__TEXT');
  must(
    directory.segmentStart === text.offset && directory.segmentLength === text.length,
    'code directory: __TEXT lies elsewhere',
  );
  must((directory.segmentFlags & 1) === Number(image.executable), 'code directory: wrong about being a main program');
  return directory;
}

/** What the signature says, with every hash verified. */
export function readSignature(file) {
  const image = readImage(new DataView(file.buffer, file.byteOffset, file.byteLength));
  const blobs = readBlobs(file.subarray(image.signature.offset));
  must(blobs.has(0), 'there is no code directory');
  const directories = [...blobs].filter(([slot]) => slot === 0 || (slot >= 0x1000 && slot < 0x1010));
  const [{ flags, identifier, team, pages, hash }] = directories.map(([, blob]) =>
    checkDirectory(file, image, blobs, blob),
  );
  const content = (slot, decode) => (blobs.has(slot) ? decode(blobs.get(slot).subarray(8)) : null);
  return {
    identifier,
    team,
    flags,
    pages,
    hash: hash.algorithm,
    requirements: blobs.has(2),
    cms: content(0x10000, (bytes) => bytes.length),
    entitlements: content(5, (bytes) => decodePlist(bytes.toString('utf8'))),
    entitlementsDer: content(7, decodeDer),
  };
}

const sorted = (entitlements) =>
  JSON.stringify(Object.entries(entitlements ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Throws unless the signature is ad hoc, of that name, and grants exactly `entitlements` (null: none) in both forms. */
function expectAdhoc(found, name, entitlements) {
  must(found.flags === ADHOC, `flags are 0x${found.flags.toString(16)}, expected 0x2 (adhoc)`);
  must(found.team === null && !found.cms, 'an ad-hoc signature names nobody, this one does');
  must(found.identifier === name, `identifier is '${found.identifier}', expected '${name}'`);
  must(found.requirements, 'there are no requirements');
  for (const [form, value] of [
    ['XML', found.entitlements],
    ['DER', found.entitlementsDer],
  ]) {
    if (entitlements === null) must(value === null, `there are entitlements (${form}), expected none`);
    else
      must(
        value !== null && sorted(value) === sorted(entitlements),
        `entitlements (${form}) are ${JSON.stringify(value)}, expected ${JSON.stringify(entitlements)}`,
      );
  }
}

const { values, positionals } = parseArgs({
  options: { adhoc: { type: 'string' }, entitlements: { type: 'string' } },
  allowPositionals: true,
});
const [path] = positionals;
try {
  must(path !== undefined, 'usage: check-signature.mjs FILE [--adhoc NAME [--entitlements FILE.plist]]');
  const found = readSignature(readFileSync(path));
  const wanted = values.entitlements;
  if (values.adhoc !== undefined)
    expectAdhoc(found, values.adhoc, wanted === undefined ? null : decodePlist(readFileSync(wanted, 'utf8')));
  console.log(JSON.stringify(found));
} catch (error) {
  console.error(`${path ?? 'check-signature'}: ${error.message}`);
  process.exitCode = 1;
}
