// `manifest.json` of a guest image: which files it is made of, by sha256, and which guest contract it keeps. Written by
// scripts/build-guest; anybody may write one for an image of their own (docs/guest-image.md).

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { VzshellError } from '../errors.ts';

/** Version of the guest contract (guest/CONTRACT.md) that this program speaks. */
export const GUEST_CONTRACT = 1;
const MANIFEST_SCHEMA = 1;
/** Bytes; a real manifest has about one thousand. */
export const MAX_MANIFEST: number = 64 * 1024;

export interface ImageFile {
  /** A name beside the manifest, never a path. */
  readonly file: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** The same file as it is to be fetched: compressed, by the ending of its name `.gz`, `.zst` or `.xz`. */
  readonly download?: { readonly file: string; readonly sha256: string; readonly size: number };
}

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  readonly contract: typeof GUEST_CONTRACT;
  readonly arch: 'arm64' | 'x86_64';
  /** The same in Nix's words: `aarch64-linux`. */
  readonly system: string;
  readonly nixVersion: string;
  /** What the kernel command line has beside the contract's own words. */
  readonly cmdline: string;
  readonly kernel: ImageFile;
  readonly initrd: ImageFile;
  readonly root: ImageFile & { readonly type: 'erofs' };
  /**
   * The database of the image's own Nix store, as it is in the root. With it the host's store can be put beside the image's; without it
   * the guest has the image's alone.
   */
  readonly store?: ImageFile;
  /** What made it, for people. */
  readonly builder: Readonly<Record<string, string>>;
}

const fetchedEntries = {
  file: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, 'expected the name of a file beside the manifest'),
  ),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')),
  size: v.pipe(v.number(), v.safeInteger('expected a size in bytes'), v.minValue(1, 'expected a size in bytes')),
};
const fileEntries = {
  ...fetchedEntries,
  download: v.exactOptional(
    v.strictObject({
      ...fetchedEntries,
      file: v.pipe(fetchedEntries.file, v.regex(/\.(?:gz|zst|xz)$/, 'expected a name that ends in .gz, .zst or .xz')),
    }),
  ),
};

const manifestSchema: v.GenericSchema<unknown, Manifest> = v.strictObject({
  schema: v.literal(MANIFEST_SCHEMA),
  contract: v.literal(GUEST_CONTRACT),
  arch: v.picklist(['arm64', 'x86_64']),
  system: v.picklist(['aarch64-linux', 'x86_64-linux']),
  nixVersion: v.pipe(v.string(), v.regex(/^[0-9]+(\.[0-9A-Za-z_-]+)+$/, 'expected a version')),
  cmdline: v.pipe(v.string(), v.regex(/^[\x20-\x7e]{0,1024}$/, 'expected one line of kernel parameters')),
  kernel: v.strictObject(fileEntries),
  initrd: v.strictObject(fileEntries),
  root: v.strictObject({ ...fileEntries, type: v.literal('erofs') }),
  store: v.exactOptional(v.strictObject(fileEntries)),
  builder: v.record(v.string(), v.string()),
});

/** Every file that a manifest names. */
export function imageFiles({ kernel, initrd, root, store }: Manifest): readonly ImageFile[] {
  return [kernel, initrd, root, ...(store === undefined ? [] : [store])];
}

/** A manifest as it was read. */
export interface ReadManifest {
  readonly manifest: Manifest;
  /** The first 16 hex digits of its sha256: it changes with every file of the image. */
  readonly id: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** Reads and checks a manifest. */
export async function readManifest(path: string): Promise<ReadManifest> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new VzshellError('ERR_IMAGE', `cannot read the guest image's manifest ${path}: ${error.message}`, {
      cause: error,
    });
  });
  return manifestOf(bytes, path);
}

/** Checks a manifest. `path` is for messages alone. */
export function manifestOf(bytes: Buffer, path: string): ReadManifest {
  if (bytes.length > MAX_MANIFEST) throw damaged(path, `it is ${bytes.length} bytes long`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { manifest: parseManifest(bytes.toString('utf8'), path), id: sha256.slice(0, 16), sha256 };
}

/** `path` is for messages alone. */
export function parseManifest(text: string, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(path, (error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw damaged(path, 'it holds no JSON object');
  // Before all else: another version may have other fields, and complaining about those would say nothing.
  requireVersion(path, 'schema', 'manifest schema', (value as Record<string, unknown>).schema, MANIFEST_SCHEMA);
  requireVersion(path, 'contract', 'guest contract', (value as Record<string, unknown>).contract, GUEST_CONTRACT);
  const result = v.safeParse(manifestSchema, value);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'manifest'}: ${issue.message}`);
  throw damaged(path, problems.join('; '));
}

function requireVersion(path: string, key: string, what: string, found: unknown, wanted: number): void {
  if (found === wanted) return;
  const theirs = found === undefined ? 'none' : JSON.stringify(found);
  throw new VzshellError(
    'ERR_IMAGE',
    `guest image ${path} has ${what} ${theirs}, this version of vzshell knows ${wanted}`,
    {
      hint: 'build the image with this version (scripts/build-guest), or run the version of vzshell that it was made for',
      details: { [key]: found, wanted },
    },
  );
}

function damaged(path: string, why: string): VzshellError {
  return new VzshellError('ERR_IMAGE', `the guest image's manifest ${path} is damaged: ${why}`, {
    hint: 'delete its directory and run scripts/build-guest',
  });
}
