import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { listImages } from '../../../src/image/cache.ts';
import type { ImageProgress } from '../../../src/image/progress.ts';
import { locate, NAME, pin } from './first-use.fixture.ts';
import { TestHost, testGuest } from './host.fixture.ts';
import { sha256, TestRegistry } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

test("the pinned package is fetched on first use, through the user's registry for its scope, with his token", async () => {
  await using registry = await TestRegistry.start();
  const { host: address } = new URL(registry.url);
  using host = new TestHost([
    `@vzshell:registry=${registry.url}`,
    `//${address}/:_authToken=secret`,
    'registry=http://127.0.0.1:1/',
  ]);
  const guest = await testGuest();
  registry.publish(NAME, '0.1.0', guest.tarball);
  pin(host, guest);
  const progress: ImageProgress[] = [];
  const image = await locate(host, { onProgress: (now) => progress.push(now) });
  expect(image).toMatchObject({ id: guest.id, manifest: join(host.images, guest.id, 'manifest.json') });
  for (const [name, bytes] of Object.entries(guest.files)) {
    expect(readFileSync(join(host.images, guest.id, name)).equals(bytes)).toBe(true);
  }
  expect(statSync(image.root).blocks * 512).toBeLessThan(64 * 4096);
  expect(progress.map(({ step }) => step)).toEqual(expect.arrayContaining(['ask', 'download', 'unpack']));
  expect(registry.seen.map(({ authorization }) => authorization)).toEqual(['Bearer secret', 'Bearer secret']);
  expect(host.left).toEqual(
    [
      'downloads',
      guest.id,
      ...['initrd', 'kernel', 'manifest.json', 'root.erofs'].map((name) => join(guest.id, name)),
    ].sort(),
  );
});

test('after the first use no network is needed, and none is touched', async () => {
  using host = new TestHost();
  const guest = await testGuest();
  {
    await using registry = await TestRegistry.start();
    host.npmrc([`registry=${registry.url}`]);
    registry.publish(NAME, '0.1.0', guest.tarball);
    pin(host, guest);
    await locate(host);
    const asked = registry.seen.length;
    await locate(host);
    expect(registry.seen).toHaveLength(asked);
  }
  expect(await locate(host)).toMatchObject({ id: guest.id });
  expect(await locate(host, { image: guest.id, packageRoot: '/nowhere' })).toMatchObject({ id: guest.id });
});

test('two that lack it at once fetch it once', async () => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const guest = await testGuest();
  registry.publish(NAME, '0.1.0', guest.tarball);
  pin(host, guest);
  const images = await Promise.all([locate(host), locate(host), locate(host)]);
  expect(images.map(({ id }) => id)).toEqual([guest.id, guest.id, guest.id]);
  expect(registry.fetched).toHaveLength(1);
});

test('an image of another registry package is fetched by name, kept, and asked for again only when told to', async () => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const [first, second] = [await testGuest(), await testGuest({ cmdline: 'second=1' })];
  registry.publish('my-guest', '1.0.0', first.tarball);
  const image = 'npm:my-guest';
  expect((await locate(host, { image })).id).toBe(first.id);
  registry.publish('my-guest', '1.0.1', second.tarball);
  expect((await locate(host, { image })).id).toBe(first.id);
  expect((await locate(host, { image, pull: 'newer' })).id).toBe(second.id);
  const fetched = registry.fetched.length;
  expect((await locate(host, { image, pull: 'newer' })).id).toBe(second.id);
  expect(registry.fetched).toHaveLength(fetched);
  expect((await locate(host, { image, pull: 'again' })).id).toBe(second.id);
  expect(registry.fetched).toHaveLength(fetched + 1);
  expect((await locate(host, { image: 'npm:my-guest@1.0.0' })).id).toBe(first.id);
  expect((await listImages(host.env)).map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
});

test('a manifest by its URL: files beside it, compressed or not, and the URL may pin it', async () => {
  await using server = await TestRegistry.start();
  using host = new TestHost();
  const plain = await testGuest();
  const packed = gzipSync(plain.files['root.erofs'] ?? '');
  const root = (JSON.parse(plain.manifest.toString()) as { root: object }).root;
  const download = { file: 'root.erofs.gz', sha256: sha256(packed), size: packed.length };
  const guest = await testGuest({ root: { ...root, download } });
  const url = server.serve('images/manifest.json', guest.manifest);
  server.serve('images/kernel', guest.files.kernel ?? Buffer.alloc(0));
  server.serve('images/initrd', guest.files.initrd ?? Buffer.alloc(0), false);
  server.serve('images/root.erofs.gz', packed);
  const image = await locate(host, { image: `${url}#sha256=${sha256(guest.manifest)}` });
  expect(image.id).toBe(guest.id);
  expect(readFileSync(image.root).equals(guest.files['root.erofs'] ?? Buffer.alloc(0))).toBe(true);
  await expect(locate(host, { image: `${url}#sha256=${'0'.repeat(64)}` })).rejects.toMatchObject({
    details: { reason: 'integrity', found: sha256(guest.manifest) },
  });
  server.serve('images/initrd', Buffer.alloc(3 * 4096, 'INITRD'));
  await expect(locate(host, { image: url, pull: 'again' })).rejects.toMatchObject({ details: { reason: 'integrity' } });
  expect((await locate(host, { image: guest.id })).id).toBe(guest.id);
});

test('a file of an installed image that was changed or swapped is never booted, and a forced pull mends it', async () => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const [guest, other] = [await testGuest(), await testGuest({ cmdline: 'other=1' })];
  registry.publish(NAME, '0.1.0', guest.tarball);
  pin(host, guest);
  const image = await locate(host);
  writeFileSync(image.kernel, 'b kernel', { mode: 0o644 });
  const damaged = { code: 'ERR_IMAGE', hint: expect.stringContaining('vzshell image pull --force --arch arm64') };
  await expect(locate(host)).rejects.toMatchObject({ ...damaged, message: expect.stringMatching(/damaged: .*kernel/) });
  await locate(host, { pull: 'again' });
  expect(readFileSync(image.kernel, 'utf8')).toBe('a kernel');
  await locate(host);
  writeFileSync(image.manifest, other.manifest);
  const swapped = { ...damaged, message: expect.stringContaining('is another one') };
  await expect(locate(host)).rejects.toMatchObject(swapped);
  await expect(locate(host, { image: guest.id })).rejects.toMatchObject({
    ...swapped,
    hint: expect.stringContaining('vzshell image list'),
  });
});

test('who must not fetch is told that it was not fetched yet', async () => {
  using host = new TestHost();
  const guest = await testGuest();
  pin(host, guest);
  await expect(locate(host, { pull: 'never' })).rejects.toMatchObject({
    message: `the guest image ${NAME}@0.1.0 was not fetched yet`,
    hint: expect.stringContaining('vzshell image pull'),
    details: { reason: 'not-fetched' },
  });
  expect(host.left).toEqual([]);
});
