// `guests.json` beside package.json: which guest package this version of vzshell was made with, by digest. scripts/pack-guest writes
// it; it is in the published package, and not in a checkout.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Arch } from '../driver/driver.ts';
import { VzshellError } from '../errors.ts';
import { integrityOf } from './integrity.ts';

export interface Pin {
  readonly package: string;
  readonly version: string;
  /** Of the tarball, as registries write it: `sha512-…`. */
  readonly integrity: string;
  /** sha256 of its manifest.json. */
  readonly manifest: string;
  /** Bytes of the tarball. */
  readonly size: number;
  /** Bytes of the files in it. */
  readonly unpacked: number;
}

const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const pin: v.GenericSchema<unknown, Pin> = v.strictObject({
  package: v.pipe(v.string(), v.regex(/^@?[a-z0-9][a-z0-9._/-]*$/)),
  version: v.pipe(v.string(), v.regex(/^[0-9][0-9A-Za-z.+-]*$/)),
  integrity: v.pipe(
    v.string(),
    v.check((text) => integrityOf(text) !== null),
  ),
  manifest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  size: bytes,
  unpacked: bytes,
});
const pinsFile = v.strictObject({
  schema: v.literal(1),
  images: v.strictObject({ arm64: v.exactOptional(pin), x86_64: v.exactOptional(pin) }),
});

/** The pin of an architecture; null where there is none, as in a checkout. */
export function readPin(arch: Arch, packageRoot: string): Pin | null {
  const path = join(packageRoot, 'guests.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw damaged(path, error);
  }
  try {
    return v.parse(pinsFile, JSON.parse(text)).images[arch] ?? null;
  } catch (error) {
    throw damaged(path, error);
  }
}

/** The id that the pinned image has in the cache. */
export function pinnedId(pin: Pin): string {
  return pin.manifest.slice(0, 16);
}

function damaged(path: string, cause: unknown): VzshellError {
  return new VzshellError(
    'ERR_IMAGE',
    `${path}, which names the guest images, is damaged: ${(cause as Error).message}`,
    {
      cause,
      hint: 'install vzshell again; in a checkout delete the file',
    },
  );
}
