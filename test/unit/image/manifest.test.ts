import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseManifest, readManifest } from '../../../src/image/manifest.ts';
import { testImage } from './image.fixture.ts';

test('a manifest is read, and its id is the start of its sha256', async () => {
  using image = testImage();
  const { manifest, id } = await readManifest(image.manifest);
  expect(manifest).toEqual(image.content);
  expect(id).toBe(createHash('sha256').update(readFileSync(image.manifest)).digest('hex').slice(0, 16));
});

test.each([
  [{ contract: 2 }, 'guest contract 2, this version of vzshell knows 1'],
  [{ contract: undefined }, 'guest contract none, this version of vzshell knows 1'],
  [{ schema: 7, contract: 1 }, 'manifest schema 7, this version of vzshell knows 1'],
  // Another version's unknown fields are not what is wrong with it.
  [{ contract: 2, novelty: true }, 'guest contract 2'],
])('a manifest of another version is refused with both numbers: %j', async (change, message) => {
  using image = testImage();
  image.write({ ...image.content, ...change });
  await expect(readManifest(image.manifest)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining(message),
    hint: expect.stringContaining('scripts/build-guest'),
  });
});

test.each([
  ['{ "schema": 1', 'damaged'],
  ['[]', 'no JSON object'],
  [`{"schema": 1, "contract": 1, "pad": "${'x'.repeat(70_000)}"}`, 'bytes long'],
])('what is no manifest is refused: %.20s', async (text, message) => {
  using image = testImage();
  image.write(text);
  await expect(readManifest(image.manifest)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining(message),
  });
});

test.each([
  [{ arch: 'riscv64' }, 'arch'],
  [{ extra: 1 }, 'extra'],
  [{ kernel: { file: '../../etc/passwd', sha256: 'a'.repeat(64), size: 1 } }, 'kernel.file'],
  [{ kernel: { file: '/etc/passwd', sha256: 'a'.repeat(64), size: 1 } }, 'kernel.file'],
  [{ kernel: { file: '..', sha256: 'a'.repeat(64), size: 1 } }, 'kernel.file'],
  [{ kernel: { file: 'kernel', sha256: 'abc', size: 1 } }, 'kernel.sha256'],
  [{ kernel: { file: 'kernel', sha256: 'a'.repeat(64), size: -1 } }, 'kernel.size'],
  [{ root: { file: 'root', sha256: 'a'.repeat(64), size: 1, type: 'ext4' } }, 'root.type'],
  [{ cmdline: 'quiet\ninit=/bin/sh' }, 'cmdline'],
])('a field that is wrong is named: %j', (change, field) => {
  using image = testImage();
  expect(() => parseManifest(JSON.stringify({ ...image.content, ...change }), 'm.json')).toThrow(`${field}:`);
});
