import { createHash } from 'node:crypto';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { locateImage } from '../../../src/image/locate.ts';

/**
 * A guest image of the real arm64 kernel with an init that says one line and then sleeps for ever: it boots, and no agent
 * answers. Returns its manifest.
 */
export async function imageThatNeverAnswers(directory: string, says: string): Promise<string> {
  const image = await locateImage({ arch: 'arm64' });
  const manifest = JSON.parse(readFileSync(image.manifest, 'utf8'));
  for (const { file } of [manifest.kernel, manifest.root, manifest.store]) {
    symlinkSync(join(dirname(image.manifest), file), join(directory, file));
  }
  const initrd = cpio('init', sleepingInit(`${says}\n`));
  const sha256 = createHash('sha256').update(initrd).digest('hex');
  writeFileSync(join(directory, 'initrd'), initrd);
  writeFileSync(
    join(directory, 'manifest.json'),
    JSON.stringify({ ...manifest, initrd: { file: 'initrd', sha256, size: initrd.length } }),
  );
  return join(directory, 'manifest.json');
}

/** An aarch64 executable: write(1, text), then a ppoll of nothing, which nobody ends. */
function sleepingInit(text: string): Buffer {
  const words = [
    0xd2800020, // mov x0, #1
    0x10000001 | (11 << 5), // adr x1, text: eleven words on
    0xd2800002 | (Buffer.byteLength(text) << 5), // mov x2, #length
    0xd2800808, // mov x8, #64, write
    0xd4000001, // svc #0
    0xd2800000, // mov x0, #0
    0xd2800001, // mov x1, #0
    0xd2800002, // mov x2, #0
    0xd2800003, // mov x3, #0
    0xd2800928, // mov x8, #73, ppoll
    0xd4000001, // svc #0
    0x14000000, // b .
  ];
  const code = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => void code.writeUInt32LE(word >>> 0, index * 4));
  return elf(Buffer.concat([code, Buffer.from(text)]));
}

/** A static aarch64 ELF of one segment, entered at its first byte of code. */
function elf(code: Buffer): Buffer {
  const [base, headers] = [0x400000n, 64 + 56];
  const head = Buffer.alloc(headers);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(2, 16); // executable
  head.writeUInt16LE(183, 18); // aarch64
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(base + BigInt(headers), 24); // entry
  head.writeBigUInt64LE(64n, 32); // program headers
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64); // load
  head.writeUInt32LE(5, 68); // read, execute
  head.writeBigUInt64LE(base, 80);
  head.writeBigUInt64LE(base, 88);
  for (const at of [96, 104]) head.writeBigUInt64LE(BigInt(headers + code.length), at);
  head.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([head, code]);
}

/** An initrd of one executable file (cpio, newc). */
function cpio(name: string, content: Buffer): Buffer {
  return Buffer.concat([entry(name, 0o100755, content), entry('TRAILER!!!', 0, Buffer.alloc(0))]);
}

function entry(name: string, mode: number, content: Buffer): Buffer {
  const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head)), padded(content)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
