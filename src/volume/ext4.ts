// What an ext4 superblock says of a volume (fs/ext4/ext4.h, struct ext4_super_block). The guest made it, so it is only believed as far
// as a copy of the file is concerned.

import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes from the beginning of the disk, and within the superblock. */
const AT = { superblock: 1024, magic: 0x38, state: 0x3a, incompatible: 0x60, uuid: 0x68 };
const BYTES = 256;
const MAGIC = 0xef53;
/** Bits of the state: everything was written, and damage was found. */
const STATE = { valid: 1, errors: 2 };
/** Of the incompatible features: what the journal holds is not in its place yet. */
const NEEDS_RECOVERY = 4;

export interface Ext4 {
  readonly uuid: string;
  /** It was unmounted in order, and nothing is known to be wrong. */
  readonly clean: boolean;
}

/** The file system on a disk file, or null when there is none. */
export function readExt4(path: string): Ext4 | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const block = Buffer.alloc(BYTES);
    if (readSync(file, block, 0, BYTES, AT.superblock) < BYTES || block.readUInt16LE(AT.magic) !== MAGIC) return null;
    const state = block.readUInt16LE(AT.state);
    const recovery = (block.readUInt32LE(AT.incompatible) & NEEDS_RECOVERY) !== 0;
    const hex = block.toString('hex', AT.uuid, AT.uuid + 16);
    return {
      uuid: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      clean: (state & STATE.valid) !== 0 && (state & STATE.errors) === 0 && !recovery,
    };
  } finally {
    closeSync(file);
  }
}
