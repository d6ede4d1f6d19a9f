import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { locateImage } from '../../../src/image/locate.ts';
import { type TestImage, testImage } from './image.fixture.ts';

const locate = (image: TestImage): ReturnType<typeof locateImage> =>
  locateImage({ arch: 'arm64', image: image.manifest, remember: image.remember, env: {} });

/** Other bytes of the same length, with the file's times put back. */
function damage(image: TestImage, name: string): void {
  const path = join(image.directory, name);
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  bytes[0] = (bytes[0] as number) ^ 1;
  writeFileSync(path, bytes);
  utimesSync(path, atime, mtime);
}

test.each(['kernel', 'initrd', 'root.erofs', 'store.sqlite'])(
  'a changed byte in the %s is found, with file, wanted and found sha256',
  async (name) => {
    using image = testImage();
    damage(image, name);
    await expect(locate(image)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringMatching(
        new RegExp(`${name} has sha256 [0-9a-f]{64}, its manifest says sha256 [0-9a-f]{64}`),
      ),
      hint: expect.stringContaining('scripts/build-guest arm64'),
    });
  },
);

test('a byte changed after the image was verified is found too, even with the times put back', async () => {
  using image = testImage();
  await locate(image);
  damage(image, 'root.erofs');
  await expect(locate(image)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining('root.erofs'),
  });
});

test('a file that was cut short is told by its size, and a missing one by its name', async () => {
  using image = testImage();
  truncateSync(join(image.directory, 'kernel'), 3);
  await expect(locate(image)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining('has 3 bytes'),
  });
  rmSync(join(image.directory, 'kernel'));
  await expect(locate(image)).rejects.toMatchObject({ code: 'ERR_IMAGE', message: expect.stringContaining('kernel') });
});

test('a verified image is not read again', async () => {
  using image = testImage();
  await locate(image);
  const answers = readFileSync(image.remember, 'utf8');
  // Remembered answers are believed, so a wrong one shows that they were used.
  writeFileSync(image.remember, answers.replace(/"sha256": "[0-9a-f]{64}"/, `"sha256": "${'0'.repeat(64)}"`));
  await expect(locate(image)).rejects.toMatchObject({ message: expect.stringContaining('0'.repeat(64)) });
  writeFileSync(image.remember, answers);
  await locate(image);
  expect(readFileSync(image.remember, 'utf8')).toBe(answers);
});

test("other probes' answers in the same file are kept", async () => {
  using image = testImage();
  mkdirSync(dirname(image.remember));
  writeFileSync(image.remember, JSON.stringify({ schema: 1, qemu: { kvm: 'no' } }));
  await locate(image);
  const kept = JSON.parse(readFileSync(image.remember, 'utf8'));
  expect(kept.qemu).toEqual({ kvm: 'no' });
  expect(Object.keys(kept.images)).toHaveLength(4);
});

test.each(['{ not json', '{"schema": 99}'])(
  'a memory that cannot be used costs time and nothing else: %s',
  async (text) => {
    using image = testImage();
    mkdirSync(dirname(image.remember));
    writeFileSync(image.remember, text);
    chmodSync(dirname(image.remember), 0o500);
    await locate(image);
    expect(readFileSync(image.remember, 'utf8')).toBe(text);
    chmodSync(dirname(image.remember), 0o700);
    damage(image, 'kernel');
    await expect(locate(image)).rejects.toMatchObject({ code: 'ERR_IMAGE' });
  },
);
