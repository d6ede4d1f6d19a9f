import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { listImages, withCache } from '../../../src/image/cache.ts';
import { importImage } from '../../../src/image/import.ts';
import { locateImage } from '../../../src/image/locate.ts';
import { pruneImages } from '../../../src/image/prune.ts';
import { type TestGuest, TestHost, testGuest } from './host.fixture.ts';
import { sha256 } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

/** The guest as a directory of somebody's. */
function lay(host: TestHost, guest: TestGuest, name = 'guest'): string {
  const directory = join(host.top, name);
  mkdirSync(directory);
  for (const [file, bytes] of Object.entries(guest.files)) writeFileSync(join(directory, file), bytes);
  writeFileSync(join(directory, 'manifest.json'), guest.manifest);
  return directory;
}

test('a directory, its manifest and a tarball are imported, and found by the id', async () => {
  using host = new TestHost();
  const guest = await testGuest();
  const directory = lay(host, guest);
  writeFileSync(join(host.top, 'guest.tgz'), guest.tarball);
  for (const path of [directory, join(directory, 'manifest.json'), join(host.top, 'guest.tgz')]) {
    expect(await importImage(path, { env: host.env })).toBe(guest.id);
    const found = await locateImage({ arch: 'arm64', env: host.env, image: guest.id });
    expect(readFileSync(found.root).equals(guest.files['root.erofs'] ?? Buffer.alloc(0))).toBe(true);
    await pruneImages({ keep: new Set(), env: host.env });
    expect(await listImages(host.env)).toEqual([]);
  }
});

test('a compressed file beside the manifest is unpacked on import', async () => {
  using host = new TestHost();
  const plain = await testGuest();
  const packed = gzipSync(plain.files['root.erofs'] ?? '');
  const { root } = JSON.parse(plain.manifest.toString()) as { root: object };
  const download = { file: 'root.erofs.gz', sha256: sha256(packed), size: packed.length };
  const guest = await testGuest({ root: { ...root, download } });
  const directory = lay(host, { ...guest, files: { ...guest.files, 'root.erofs.gz': packed } });
  execFileSync('rm', [join(directory, 'root.erofs')]);
  expect(await importImage(directory, { env: host.env })).toBe(guest.id);
});

test.each<readonly [string, RegExp, (directory: string) => string]>([
  ['is not there', /there is no guest image at/, (directory) => join(directory, 'nothing')],
  [
    'is damaged',
    /the file 'kernel' of .* has 3 bytes/,
    (directory) => {
      writeFileSync(join(directory, 'kernel'), 'odd');
      return directory;
    },
  ],
  [
    'lacks a file',
    /names 'initrd', which is not in/,
    (directory) => {
      execFileSync('rm', [join(directory, 'initrd')]);
      return directory;
    },
  ],
])('an image that %s is not imported, and nothing is left', async (_, message, arrange) => {
  using host = new TestHost();
  const path = arrange(lay(host, await testGuest()));
  await expect(importImage(path, { env: host.env })).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringMatching(message),
  });
  expect(host.left).toEqual([]);
});

test('the list tells of each image, and of a broken one what is wrong', async () => {
  using host = new TestHost();
  const guest = await testGuest();
  await importImage(lay(host, guest), { env: host.env });
  mkdirSync(join(host.images, '0'.repeat(16)));
  writeFileSync(join(host.images, '0'.repeat(16), 'manifest.json'), '{}');
  const images = await listImages(host.env);
  expect(images).toHaveLength(2);
  expect(images.find(({ id }) => id === guest.id)).toMatchObject({
    manifest: { arch: 'arm64', nixVersion: '2.26.3' },
    problem: null,
    bytes: expect.any(Number),
  });
  expect(images.find(({ id }) => id !== guest.id)).toMatchObject({
    manifest: null,
    problem: expect.stringContaining('manifest'),
  });
});

test('prune keeps what it is told to, removes the rest and every partial download, and a dry run removes nothing', async () => {
  using host = new TestHost();
  const [kept, goes] = [await testGuest(), await testGuest({ cmdline: 'other=1' })];
  await importImage(lay(host, kept, 'one'), { env: host.env });
  await importImage(lay(host, goes, 'two'), { env: host.env });
  mkdirSync(join(host.images, 'downloads'));
  writeFileSync(join(host.images, 'downloads', 'partial'), Buffer.alloc(1_000_000, 'x'));
  const keep = new Set([kept.id]);
  const before = host.left;
  const dry = await pruneImages({ keep, dryRun: true, env: host.env });
  expect(host.left).toEqual(before);
  const done = await pruneImages({ keep, env: host.env });
  expect(done.removed.map(({ id }) => id)).toEqual([goes.id]);
  expect(dry.removed).toEqual(done.removed);
  expect(dry.bytes).toBe(done.bytes);
  expect(done.bytes).toBeGreaterThan(1_000_000);
  expect((await listImages(host.env)).map(({ id }) => id)).toEqual([kept.id]);
  expect(readdirSync(join(host.images, 'downloads'))).toEqual([]);
});

test('what a killed process left is swept by the next one: beginnings at once, partial downloads after a week', async () => {
  using host = new TestHost();
  const downloads = join(host.images, 'downloads');
  for (const name of ['.new-1-a', '.old-0123456789abcdef']) mkdirSync(join(host.images, name), { recursive: true });
  mkdirSync(downloads);
  for (const name of ['fresh', 'stale']) writeFileSync(join(downloads, name), 'x');
  const longAgo = new Date(Date.now() - 8 * 24 * 3600_000);
  utimesSync(join(downloads, 'stale'), longAgo, longAgo);
  await withCache({ env: host.env }, async () => {
    expect(readdirSync(host.images).sort()).toEqual(['downloads', 'lock']);
    expect(readdirSync(downloads)).toEqual(['fresh']);
  });
});

test('who changes the images waits for who does already, and may give up', async () => {
  using host = new TestHost();
  const stop = new AbortController();
  await withCache({ env: host.env }, async () => {
    const second = withCache(
      { env: host.env, signal: stop.signal, onWait: () => stop.abort(new Error('enough')) },
      async () => 2,
    );
    await expect(second).rejects.toThrow('enough');
  });
  expect(existsSync(join(host.images, 'lock'))).toBe(true);
});
