// Kernels and disks are told by their first bytes: a compressed kernel just hangs without a word, and a qcow2 file taken for
// raw is a broken disk.

import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import type { Arch } from './driver.ts';
import { invalid, pathError, show } from './spec-error.ts';

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const EM_X86_64 = 62;
const ARM64_IMAGE = Buffer.from('ARM\x64');
const ARM64_IMAGE_OFFSET = 56;
const BZIMAGE = Buffer.from('HdrS');
const BZIMAGE_OFFSET = 0x202;
const QCOW2 = Buffer.from([0x51, 0x46, 0x49, 0xfb]);
const SECTOR = 512;

/** The kernel must be what direct boot takes: an arm64 `Image`, or an x86_64 ELF (`vmlinux`). */
export function checkKernelFile(option: string, path: string, arch: Arch): void {
  const head = firstBytes(option, path, 1024);
  const found = kernelKind(head);
  const wanted = arch === 'arm64' ? 'an arm64 Image' : 'an x86_64 ELF';
  if (found === wanted) return;
  throw invalid(option, `an uncompressed kernel is needed for ${arch} (${wanted}), ${show(path)} is ${found}`, {
    hint:
      found === 'a bzImage'
        ? "unpack the ELF inside it (the kernel's own scripts/extract-vmlinux)"
        : 'build the guest image again, or give the kernel that its manifest names',
  });
}

function kernelKind(head: Buffer): string {
  if (has(head, ARM64_IMAGE_OFFSET, ARM64_IMAGE)) return 'an arm64 Image';
  if (has(head, 0, ELF)) return head.readUInt16LE(18) === EM_X86_64 ? 'an x86_64 ELF' : 'an ELF of another machine';
  if (has(head, BZIMAGE_OFFSET, BZIMAGE)) return 'a bzImage';
  if (has(head, 0, Buffer.from([0x1f, 0x8b]))) return 'compressed with gzip';
  if (has(head, 0, Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) return 'compressed with zstd';
  if (has(head, 0, Buffer.from('\xfd7zXZ', 'latin1'))) return 'compressed with xz';
  return 'no kernel at all';
}

/** A raw disk: a file or block device, whole sectors, writable unless it is given read-only. */
export function checkDiskFile(option: string, path: string, readOnly: boolean): void {
  try {
    const stat = statSync(path);
    if (!stat.isFile() && !stat.isBlockDevice()) throw invalid(option, `${show(path)} is not a disk image`);
    accessSync(path, readOnly ? constants.R_OK : constants.R_OK | constants.W_OK);
    if (stat.isFile() && (stat.size === 0 || stat.size % SECTOR !== 0)) {
      throw invalid(option, `a disk is a multiple of ${SECTOR} bytes, ${show(path)} has ${stat.size}`);
    }
  } catch (error) {
    throw pathError(option, path, error);
  }
  if (has(firstBytes(option, path, SECTOR), 0, QCOW2)) {
    throw invalid(option, `only raw disks are taken, ${show(path)} is qcow2`, {
      hint: 'convert it: qemu-img convert -O raw OLD NEW',
    });
  }
}

function firstBytes(option: string, path: string, length: number): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw pathError(option, path, error);
  }
}

function has(bytes: Buffer, offset: number, magic: Buffer): boolean {
  return bytes.subarray(offset, offset + magic.length).equals(magic);
}
