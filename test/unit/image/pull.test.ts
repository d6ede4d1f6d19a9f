import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { listImages } from '../../../src/image/cache.ts';
import { type GuestImage, type ImageRequest, locateImage } from '../../../src/image/locate.ts';
import type { ImageProgress } from '../../../src/image/progress.ts';
import { type TestGuest, TestHost, testGuest } from './host.fixture.ts';
import { integrityText, sha256, TestRegistry, tarball } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const NAME = '@vzshell/guest-arm64';

/** The image as a start would look for it. */
function locate(host: TestHost, request: Partial<ImageRequest> = {}): Promise<GuestImage> {
  return locateImage({ arch: 'arm64', env: host.env, packageRoot: host.packageRoot, ...request });
}

/** What scripts/pack-guest leaves in the package: this version was made with that tarball. */
function pin(host: TestHost, guest: TestGuest, change: object = {}): void {
  const entry = {
    package: NAME,
    version: '0.1.0',
    integrity: integrityText(guest.tarball),
    manifest: sha256(guest.manifest),
    size: guest.tarball.length,
    unpacked: 1_000_000,
    ...change,
  };
  writeFileSync(join(host.packageRoot, 'guests.json'), JSON.stringify({ schema: 1, images: { arm64: entry } }));
}

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

const status = (code: number) => (registry: TestRegistry) => {
  registry.misbehave = (_, response) => {
    response.statusCode = code;
    response.end('{"error":"because"}');
    return true;
  };
};

test.each<readonly [string, string, string, (registry: TestRegistry, host: TestHost) => void]>([
  ['needs a login', 'unauthorized', 'npm login', status(401)],
  ['forbids it', 'unauthorized', 'ask who runs it', status(403)],
  ['has no such package', 'not-found', 'npm config get registry', status(404)],
  ['fails', 'server', 'try again later', status(500)],
  ['has other versions only', 'not-found', '0.2.0', (registry) => registry.publish(NAME, '0.2.0', Buffer.from('x'))],
  [
    'is no registry',
    'format',
    'is it a registry',
    (registry) => {
      registry.misbehave = (_, response) => {
        response.end('<html>Welcome</html>');
        return true;
      };
    },
  ],
  ['is not there', 'network', 'npm config get registry', (_, host) => host.npmrc(['registry=http://127.0.0.1:1/'])],
  [
    'is behind a proxy that is not there',
    'proxy',
    'proxy',
    (_, host) => host.npmrc(['noproxy=', 'registry=http://registry.test/', 'proxy=http://127.0.0.1:1/']),
  ],
  [
    'must not be asked',
    'offline',
    'npm config get offline',
    (_, host) => host.npmrc(['registry=http://h.test/', 'offline=true']),
  ],
])('a registry that %s: a typed error with a way out, and nothing left', async (_, reason, hint, arrange) => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  pin(host, await testGuest());
  arrange(registry, host);
  await expect(locate(host)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    hint: expect.stringContaining(hint),
    details: { reason },
  });
  expect(host.left).toEqual([]);
});

test.each<readonly [string, string, (guest: TestGuest) => object]>([
  [
    'other than the pin, by what the registry says',
    'integrity',
    () => ({ integrity: integrityText(Buffer.from('x')) }),
  ],
  ['without a digest in the registry', 'integrity', () => ({ integrity: undefined })],
  ['with an old digest alone', 'integrity', () => ({ integrity: undefined, shasum: 'a'.repeat(40) })],
  ['without an address', 'not-found', () => ({ tarball: 'file:///etc/passwd' })],
])('a package %s is not fetched', async (_, reason, dist) => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const guest = await testGuest();
  registry.publish(NAME, '0.1.0', guest.tarball, dist(guest));
  pin(host, guest);
  await expect(locate(host)).rejects.toMatchObject({ code: 'ERR_IMAGE', details: { reason } });
  expect(registry.fetched).toEqual([]);
  expect(host.left).toEqual([]);
});

test.each<readonly [string, (bytes: Buffer) => Buffer]>([
  ['cut short', (bytes) => bytes.subarray(0, bytes.length - 50)],
  ['changed', (bytes) => Buffer.from(bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte)))],
  ['longer', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
])('a tarball that is %s on the server is not installed', async (_, change) => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const guest = await testGuest();
  registry.publish(NAME, '0.1.0', change(guest.tarball), { integrity: integrityText(guest.tarball) });
  pin(host, guest);
  await expect(locate(host)).rejects.toMatchObject({ code: 'ERR_IMAGE', details: { reason: 'integrity' } });
  expect(host.left).toEqual(['downloads']);
});

const image = async (change: object): Promise<Buffer> => (await testGuest(change)).tarball;
const entry = (name: string, more: object = {}) => tarball([[{ name, ...more }, 'type' in more ? '' : 'x']]);

test.each<readonly [string, string, RegExp, () => Promise<Buffer>]>([
  ['climbs out of its directory', 'format', /holds 'package\/\.\.\/\.\.\/evil'/, () => entry('package/../../evil')],
  ['has an absolute path', 'format', /holds '\/etc\/evil'/, () => entry('/etc/evil')],
  ['has a path outside of package/', 'format', /holds 'evil'/, () => entry('evil')],
  ['has a hidden file', 'format', /holds 'package\/\.npmrc'/, () => entry('package/.npmrc')],
  ['has a directory', 'format', /holds 'package\/a\/b'/, () => entry('package/a/b')],
  [
    'has a link',
    'format',
    /holds 'package\/kernel' \(symlink\)/,
    () => entry('package/kernel', { type: 'symlink', linkname: '/etc/passwd' }),
  ],
  [
    'has a hard link',
    'format',
    /holds 'package\/kernel' \(link\)/,
    () => entry('package/kernel', { type: 'link', linkname: '/etc/passwd' }),
  ],
  ['has a name for a terminal', 'format', /holds '[ -~]+' \(file\)/, () => entry('package/\u001b[31mred')],
  [
    'holds one file twice',
    'format',
    /one file twice/,
    () =>
      tarball([
        [{ name: 'package/a' }, 'x'],
        [{ name: 'package/a' }, 'y'],
      ]),
  ],
  [
    'holds too many files',
    'format',
    /over 32 files/,
    () => tarball(Array.from({ length: 40 }, (_, at) => [{ name: `package/f${at}` }, 'x'] as const)),
  ],
  ['has no manifest', 'format', /no manifest\.json/, () => entry('package/package.json')],
  ['is no archive', 'format', /is damaged/, async () => Buffer.from('hello')],
  ['is another kind of archive', 'format', /is damaged|tar header/i, async () => gzipSync(Buffer.alloc(2000, 'x'))],
  ['is cut short inside', 'format', /is damaged/, async () => gzipSync(await plainTar())],
  [
    'has a file that its manifest does not describe so',
    'integrity',
    /'kernel' .* has sha256 .*manifest says/,
    () => image({ kernel: { file: 'kernel', sha256: 'a'.repeat(64), size: 8 } }),
  ],
  [
    'lacks a file of its manifest',
    'format',
    /does not hold the file 'vmlinux'/,
    () => image({ kernel: { file: 'vmlinux', sha256: 'a'.repeat(64), size: 8 } }),
  ],
  [
    'names its manifest as a file',
    'format',
    /names one file twice/,
    () => image({ kernel: { file: 'manifest.json', sha256: 'a'.repeat(64), size: 8 } }),
  ],
])('a tarball with the right digest that %s is refused, and nothing is left', async (_, reason, message, make) => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  registry.publish('guest', '1.0.0', await make());
  await expect(locate(host, { image: 'npm:guest' })).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringMatching(message),
    details: { reason },
  });
  expect(host.left).toEqual(['downloads']);
});

async function plainTar(): Promise<Buffer> {
  const { gunzipSync } = await import('node:zlib');
  return gunzipSync((await testGuest()).tarball).subarray(0, 5000);
}

test.each([
  [{ contract: 2 }, /guest contract 2, this version of vzshell knows 1/],
  [{ schema: 7 }, /manifest schema 7/],
  [{ extra: true }, /is damaged/],
  [{ root: { file: '../root', sha256: 'a'.repeat(64), size: 1, type: 'erofs' } }, /root\.file/],
])('an image whose manifest says %j is refused', async (change, message) => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  registry.publish('guest', '1.0.0', (await testGuest(change)).tarball);
  await expect(locate(host, { image: 'npm:guest' })).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringMatching(message),
  });
  expect(host.left).toEqual(['downloads']);
});

test('what is in the tarball must be the image that was pinned', async () => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const guest = await testGuest();
  registry.publish(NAME, '0.1.0', guest.tarball);
  pin(host, guest, { manifest: 'b'.repeat(64) });
  await expect(locate(host)).rejects.toMatchObject({ details: { reason: 'integrity' } });
  expect(host.left).toEqual(['downloads']);
});

test('an image that would not fit is not begun', async () => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  pin(host, await testGuest(), { unpacked: 2 ** 50 });
  await expect(locate(host)).rejects.toMatchObject({
    message: expect.stringMatching(/needs \d+ MB in .*, and \d+ MB are free/),
    hint: expect.stringContaining('vzshell image prune'),
    details: { reason: 'no-space' },
  });
  expect(registry.seen).toEqual([]);
});

test.each(['not json', '{"schema":2,"images":{}}', '{"schema":1,"images":{"arm64":{"package":"../x"}}}'])(
  'a damaged guests.json is said to be so: %s',
  async (text) => {
    using host = new TestHost();
    writeFileSync(join(host.packageRoot, 'guests.json'), text);
    await expect(locate(host)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringMatching(/guests\.json, which names the guest images, is damaged/),
    });
  },
);
