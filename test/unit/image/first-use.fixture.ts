// What the tests of fetching share: a start that looks for its image, and the pin that it looks by.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GuestImage, type ImageRequest, locateImage } from '../../../src/image/locate.ts';
import type { TestGuest, TestHost } from './host.fixture.ts';
import { integrityText, sha256 } from './registry.fixture.ts';

export const NAME = '@vzshell/guest-arm64';

/** The image as a start would look for it. */
export function locate(host: TestHost, request: Partial<ImageRequest> = {}): Promise<GuestImage> {
  return locateImage({ arch: 'arm64', env: host.env, packageRoot: host.packageRoot, ...request });
}

/** What scripts/pack-guest leaves in the package: this version was made with that tarball. */
export function pin(host: TestHost, guest: TestGuest, change: object = {}): void {
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
