import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decompress } from '../../../src/image/decompress.ts';
import { noise } from './host.fixture.ts';

const CONTENT = Buffer.concat([noise(300_000), Buffer.alloc(2_000_000), Buffer.from('the end')]);

const program = (name: string, args: readonly string[], input: Buffer): Buffer =>
  execFileSync(name, args, { input, maxBuffer: 64 * 1024 ** 2 });

const FORMATS: readonly (readonly [string, (input: Buffer) => Buffer])[] = [
  ['gz', (input) => gzipSync(input)],
  ['zst', (input) => program('zstd', ['-c', '-10'], input)],
  ['xz', (input) => program('xz', ['-c', '-1'], input)],
];

async function* inChunks(bytes: Buffer, size = 65_536): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(name: string, bytes: Buffer, limit = 1e9, size?: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(name, inChunks(bytes, size), limit)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('a name without a known ending is taken as it is', async () => {
  expect((await all('root.erofs', CONTENT)).equals(CONTENT)).toBe(true);
});

test.each(FORMATS)('%s comes out as it went in, in chunks of any size', async (ending, pack) => {
  const packed = pack(CONTENT);
  expect((await all(`file.${ending}`, packed)).equals(CONTENT)).toBe(true);
  expect((await all(`file.${ending}`, packed, 1e9, 777)).equals(CONTENT)).toBe(true);
});

test.each(FORMATS)('%s that was cut short, or is none, is damaged', async (ending, pack) => {
  const packed = pack(CONTENT);
  for (const bytes of [packed.subarray(0, packed.length - 100), packed.subarray(0, 20), Buffer.alloc(0), noise(5000)]) {
    await expect(all(`file.${ending}`, bytes)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining(`file.${ending} is damaged`),
      details: { reason: 'format' },
    });
  }
});

test.each(FORMATS)('%s that grows beyond the limit ends there', async (ending, pack) => {
  const bomb = pack(Buffer.alloc(50_000_000));
  expect(bomb.length).toBeLessThan(100_000);
  await expect(all(`file.${ending}`, bomb, 1_000_000)).rejects.toMatchObject({ details: { reason: 'too-big' } });
});

test('what broke before it came here is said as it is', async () => {
  const broken = async function* (): AsyncIterable<Buffer> {
    yield gzipSync(CONTENT).subarray(0, 1000);
    throw new Error('the disk is gone');
  };
  const read = async (): Promise<void> => {
    for await (const _ of decompress('file.gz', broken(), 1e9));
  };
  await expect(read()).rejects.toThrow('the disk is gone');
});
