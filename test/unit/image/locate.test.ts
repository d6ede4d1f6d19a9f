import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { locateImage } from '../../../src/image/locate.ts';
import { testImage } from './image.fixture.ts';

test('an image is found by its manifest or by its directory, and every path is absolute', async () => {
  using image = testImage();
  const request = { arch: 'arm64', remember: image.remember, env: {} } as const;
  const found = await locateImage({ ...request, image: image.manifest });
  expect(found).toMatchObject({
    manifest: image.manifest,
    arch: 'arm64',
    system: 'aarch64-linux',
    kernel: join(image.directory, 'kernel'),
    initrd: join(image.directory, 'initrd'),
    root: join(image.directory, 'root.erofs'),
    storeDatabase: join(image.directory, 'store.sqlite'),
    cmdline: 'console=hvc0 panic=-1 quiet',
    nixVersion: '2.26.3',
  });
  expect(await locateImage({ ...request, image: image.directory })).toEqual(found);
});

test("the environment's image is used, the architecture's own variable first", async () => {
  using image = testImage();
  using other = testImage();
  const env = { VZSHELL_IMAGE_ARM64: image.directory, VZSHELL_IMAGE: other.directory };
  const request = { arch: 'arm64', remember: image.remember, env } as const;
  expect((await locateImage(request)).manifest).toBe(image.manifest);
  expect((await locateImage({ ...request, image: other.manifest })).manifest).toBe(other.manifest);
  expect((await locateImage({ ...request, env: { VZSHELL_IMAGE: other.directory } })).manifest).toBe(other.manifest);
});

test("what scripts/build-guest made is the default, its link resolved, and the manifest's kernel parameters come last", async () => {
  using image = testImage();
  image.write({ ...image.content, cmdline: 'reboot=t' });
  const packageRoot = join(image.directory, 'checkout');
  mkdirSync(join(packageRoot, 'build', 'guest'), { recursive: true });
  symlinkSync(image.directory, join(packageRoot, 'build', 'guest', 'arm64'));
  const found = await locateImage({ arch: 'arm64', remember: image.remember, env: {}, packageRoot });
  expect(found.manifest).toBe(image.manifest);
  expect(found.cmdline).toBe('console=hvc0 panic=-1 quiet reboot=t');
});

test('without an image the error names the command that builds it', async () => {
  using image = testImage();
  await expect(locateImage({ arch: 'x86_64', env: {}, packageRoot: image.directory })).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining('no guest image for x86_64'),
    hint: expect.stringContaining('scripts/build-guest x86_64'),
  });
});

test.each([
  [{ image: '/nowhere/manifest.json' }, "there is no guest image at '/nowhere/manifest.json'"],
  [{ env: { VZSHELL_IMAGE: '/nowhere' } }, "there is no guest image at '/nowhere' (from VZSHELL_IMAGE)"],
])('an image that is not there is quoted: %j', async (where, message) => {
  await expect(locateImage({ arch: 'arm64', env: {}, ...where })).rejects.toMatchObject({ code: 'ERR_IMAGE', message });
});

test('an image of another architecture is refused with both names', async () => {
  using image = testImage();
  await expect(locateImage({ arch: 'x86_64', image: image.manifest, env: {} })).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringMatching(/is for arm64, the machine is x86_64/),
  });
});
