// Which guest image is booted. What leaves this module is verified: no caller can boot a damaged image by forgetting a step.

import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Arch } from '../driver/driver.ts';
import { VzshellError } from '../errors.ts';
import { statePaths } from '../state/paths.ts';
import { imageFiles, type Manifest, readManifest } from './manifest.ts';
import { verifyFiles } from './verify.ts';

/** A guest image on this host, ready to boot. All paths are absolute. */
export interface GuestImage {
  /** Path of its `manifest.json`, links resolved: a rebuild does not change what it names. */
  readonly manifest: string;
  /** First 16 hex digits of the manifest's sha256. */
  readonly id: string;
  readonly arch: Arch;
  readonly system: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
  /** The database of its Nix store; null where it does not bring one. */
  readonly storeDatabase: string | null;
  /** The whole kernel command line. */
  readonly cmdline: string;
  readonly nixVersion: string;
}

export interface ImageRequest {
  readonly arch: Arch;
  /** Path of a `manifest.json`, or of the directory that holds it. Default: the environment's, then the package's own. */
  readonly image?: string;
  /** Where verified files are remembered. Default: `probes.json` in the state directory. */
  readonly remember?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Directory that holds `build/guest`. Default: this package's root. */
  readonly packageRoot?: string;
}

/** What guest/CONTRACT.md promises every guest. */
const CONTRACT_CMDLINE = 'console=hvc0 panic=-1 quiet';

/**
 * The image for an architecture: the one asked for, else `VZSHELL_IMAGE_ARM64` / `VZSHELL_IMAGE_X86_64` / `VZSHELL_IMAGE`, else
 * the one that scripts/build-guest made. Rejects with `ERR_IMAGE` when there is none, or when a file is not what the manifest says.
 */
export async function locateImage(request: ImageRequest): Promise<GuestImage> {
  const { path, origin } = await find(request);
  const { manifest, id } = await readManifest(path);
  if (manifest.arch !== request.arch) {
    throw new VzshellError(
      'ERR_IMAGE',
      `guest image ${path}${origin} is for ${manifest.arch}, the machine is ${request.arch}`,
      {
        hint: `name an image for ${request.arch}, or start the machine with the architecture ${manifest.arch}`,
      },
    );
  }
  const directory = dirname(path);
  const files = imageFiles(manifest).map((entry) => ({
    ...entry,
    path: join(directory, entry.file),
  }));
  await verifyFiles(files, request.remember ?? join(statePaths(request.env).home, 'probes.json'), rebuild(request));
  return described(manifest, id, path);
}

function described(manifest: Manifest, id: string, path: string): GuestImage {
  const directory = dirname(path);
  return {
    manifest: path,
    id,
    arch: manifest.arch,
    system: manifest.system,
    kernel: join(directory, manifest.kernel.file),
    initrd: join(directory, manifest.initrd.file),
    root: join(directory, manifest.root.file),
    storeDatabase: manifest.store === undefined ? null : join(directory, manifest.store.file),
    cmdline: `${CONTRACT_CMDLINE} ${manifest.cmdline}`.trim(),
    nixVersion: manifest.nixVersion,
  };
}

/** `origin` tells in messages who named the path. */
async function find(request: ImageRequest): Promise<{ readonly path: string; readonly origin: string }> {
  const env = request.env ?? process.env;
  const named: readonly (readonly [string | undefined, string])[] = [
    [request.image, ''],
    ...[`VZSHELL_IMAGE_${request.arch.toUpperCase()}`, 'VZSHELL_IMAGE'].map(
      (name) => [env[name], ` (from ${name})`] as const,
    ),
  ];
  for (const [value, origin] of named) {
    if (value === undefined || value === '') continue;
    const path = await manifestAt(resolve(value));
    if (path !== null) return { path, origin };
    throw new VzshellError('ERR_IMAGE', `there is no guest image at '${value}'${origin}`, {
      hint: 'give the path of a manifest.json, or of the directory that holds it',
    });
  }
  const own = join(packageRoot(request), 'build', 'guest', request.arch);
  const path = await manifestAt(own);
  if (path !== null) return { path, origin: '' };
  throw new VzshellError('ERR_IMAGE', `there is no guest image for ${request.arch}: ${own} does not exist`, {
    hint: rebuild(request),
  });
}

async function manifestAt(path: string): Promise<string | null> {
  try {
    const isDirectory = (await stat(path)).isDirectory();
    return await realpath(isDirectory ? join(path, 'manifest.json') : path);
  } catch {
    return null;
  }
}

function packageRoot(request: ImageRequest): string {
  // Two levels up both from src/image and from dist/image.
  return request.packageRoot ?? fileURLToPath(new URL('../..', import.meta.url));
}

function rebuild(request: ImageRequest): string {
  const script = join(packageRoot(request), 'scripts', 'build-guest');
  return `build it: ${script} ${request.arch}\nor name one that you have: VZSHELL_IMAGE=/path/to/manifest.json`;
}
