import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SparseFile } from '../../../src/image/sparse-file.ts';
import { noise } from './host.fixture.ts';
import { sha256 } from './registry.fixture.ts';

const zeros = (length: number): Buffer => Buffer.alloc(length);

test.each([
  ['nothing', []],
  ['one byte', [Buffer.from('x')]],
  ['only zeros', [zeros(1_000_000)]],
  ['zeros to the very end', [noise(5000), zeros(300_001)]],
  ['holes between', [noise(4096), zeros(4096 * 100), noise(10), zeros(4096 * 3), noise(4096)]],
  ['odd chunks', [noise(1), zeros(4095), noise(70_000), zeros(8191), noise(3), zeros(600_000), noise(1)]],
])('a file of %s has the same bytes', async (_, chunks) => {
  const directory = mkdtempSync(join(tmpdir(), 'vzshell-sparse-'));
  try {
    const path = join(directory, 'file');
    const file = await SparseFile.create(path);
    for (const chunk of chunks) await file.write(chunk);
    const whole = Buffer.concat(chunks);
    expect(file.size).toBe(whole.length);
    expect(await file.finish()).toBe(sha256(whole));
    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o444);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('pages of zeros take no space on the disk', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vzshell-sparse-'));
  try {
    const path = join(directory, 'file');
    const file = await SparseFile.create(path);
    for (const chunk of [noise(4096), zeros(16 * 1024 ** 2), noise(4096)]) await file.write(chunk);
    await file.finish();
    expect(statSync(path).size).toBe(16 * 1024 ** 2 + 8192);
    expect(statSync(path).blocks * 512).toBeLessThan(256 * 1024);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
