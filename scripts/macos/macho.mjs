// The parts of a 64-bit Mach-O file that signing changes: `parse` reads where they are. Little endian, as on every Mac that is.

const MAGIC = 0xfeedfacf;
const SEGMENT = 0x19;
const CODE_SIGNATURE = 0x1d;
const HEADER = 32;
export const MH_EXECUTE = 2;
const MH_BUNDLE = 8;

/** Offsets and sizes in bytes. Throws when this is not a file that can be signed. */
export function parse(file) {
  if (file.length < HEADER || file.readUInt32LE(0) !== MAGIC)
    throw new Error('not a 64-bit Mach-O file of one architecture');
  const type = file.readUInt32LE(12);
  if (type !== MH_EXECUTE && type !== MH_BUNDLE)
    throw new Error(`Mach-O file type ${type} is neither a program nor a bundle`);
  const count = file.readUInt32LE(16);
  const end = HEADER + file.readUInt32LE(20);
  const found = { type, count, end, text: null, linkedit: null, signature: null, firstSection: file.length };
  for (let at = HEADER, index = 0; index < count; index++) {
    const size = file.readUInt32LE(at + 4);
    if (size < 8 || at + size > end) throw new Error('damaged load commands');
    const command = file.readUInt32LE(at);
    if (command === SEGMENT) readSegment(file, at, found);
    if (command === CODE_SIGNATURE) found.signature = { at, offset: file.readUInt32LE(at + 8) };
    at += size;
  }
  if (found.text === null || found.linkedit === null) throw new Error('a __TEXT or __LINKEDIT segment is missing');
  if (found.linkedit.offset + found.linkedit.size !== file.length)
    throw new Error('__LINKEDIT is not at the end of the file, so there is no place for a signature');
  // Where a signature begins, aligned as Apple's tools do. An old one is not kept.
  found.limit = Math.ceil((found.signature?.offset ?? file.length) / 16) * 16;
  return found;
}

function readSegment(file, at, found) {
  const name = file.toString('latin1', at + 8, at + 24).replace(/\0+$/, '');
  const segment = { at, offset: Number(file.readBigUInt64LE(at + 40)), size: Number(file.readBigUInt64LE(at + 48)) };
  if (name === '__LINKEDIT') found.linkedit = segment;
  if (name !== '__TEXT') return;
  found.text = segment;
  for (let index = 0, sections = file.readUInt32LE(at + 64); index < sections; index++) {
    const offset = file.readUInt32LE(at + 72 + 80 * index + 48);
    if (offset > 0) found.firstSection = Math.min(found.firstSection, offset);
  }
}

/** A copy without its signature and with room for another of `size` bytes at the limit, whose load command is in place. */
export function reserve(file, size) {
  const { count, end, linkedit, signature, firstSection, limit } = parse(file);
  const room = Buffer.alloc(limit + size);
  file.copy(room, 0, 0, signature?.offset ?? file.length);
  const at = signature?.at ?? end;
  if (signature === null) {
    if (end + 16 > firstSection) throw new Error('no room for another load command');
    room.writeUInt32LE(count + 1, 16);
    room.writeUInt32LE(end - HEADER + 16, 20);
  }
  for (const [index, value] of [CODE_SIGNATURE, 16, limit, size].entries()) room.writeUInt32LE(value, at + 4 * index);
  const linkeditSize = limit + size - linkedit.offset;
  room.writeBigUInt64LE(BigInt(Math.ceil(linkeditSize / 0x4000) * 0x4000), linkedit.at + 32);
  room.writeBigUInt64LE(BigInt(linkeditSize), linkedit.at + 48);
  return room;
}
