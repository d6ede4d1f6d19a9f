// Tarballs whose digest is right, and which hold what no guest image holds.

import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { locate } from './first-use.fixture.ts';
import { TestHost, testGuest } from './host.fixture.ts';
import { TestRegistry, tarball } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

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
