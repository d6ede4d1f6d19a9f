// Registries that cannot or must not serve the pinned package, and packages that are not the pinned one.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { locate, NAME, pin } from './first-use.fixture.ts';
import { type TestGuest, TestHost, testGuest } from './host.fixture.ts';
import { integrityText, TestRegistry } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

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
