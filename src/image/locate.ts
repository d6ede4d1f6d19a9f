// Which guest image is booted. What leaves this module is verified: no caller can boot a damaged image by forgetting a step. One that is
// not on this host yet is fetched; the code for that is loaded then and not before.

import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Arch } from '../driver/driver.ts';
import { VzshellError } from '../errors.ts';
import { statePaths } from '../state/paths.ts';
import { imageFiles, type Manifest, readManifest } from './manifest.ts';
import { ownRoot } from './own-root.ts';
import { pinnedId, readPin } from './pins.ts';
import { imageDirectory } from './place.ts';
import type { OnImageProgress } from './progress.ts';
import type { Remote } from './pull.ts';
import { parseSource } from './source.ts';
import { readSources, sourceKey } from './sources.ts';
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
  /**
   * Path of a `manifest.json` or of the directory that holds it, `npm:NAME@VERSION`, a URL, or the id of an image that was fetched.
   * Default: the environment's, then the checkout's own, then the package that this version of vzshell was made with.
   */
  readonly image?: string;
  /** Where verified files are remembered. Default: `probes.json` in the state directory. */
  readonly remember?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Directory that holds `build/guest`, or `guests.json`. Default: this package's root. */
  readonly packageRoot?: string;
  /** Whether to go to the network: for what is not on this host (the default), never, to ask for something newer, or to fetch all again. */
  readonly pull?: 'missing' | 'never' | 'newer' | 'again';
  readonly signal?: AbortSignal;
  readonly onProgress?: OnImageProgress;
}

/** Where an image is, and what is known of it. */
interface Found {
  readonly path: string;
  /** Who named it, for messages. */
  readonly origin: string;
  /** The id, or the sha256, that its manifest must have. */
  readonly pinned?: string;
  /** What to do when it is damaged. */
  readonly cure: string;
}

/** What to do about a damaged image that was named by its id. */
const REFETCH = 'fetch or import it again; `vzshell image list` shows where it came from';

/** What guest/CONTRACT.md promises every guest. */
const CONTRACT_CMDLINE = 'console=hvc0 panic=-1 quiet';

/**
 * The image for an architecture: the one asked for, else `VZSHELL_IMAGE_ARM64` / `VZSHELL_IMAGE_X86_64` / `VZSHELL_IMAGE`, else
 * the one that scripts/build-guest made, else the one that this version of vzshell was made with. Rejects with `ERR_IMAGE` when there
 * is none, or when a file is not what the manifest says.
 */
export async function locateImage(request: ImageRequest): Promise<GuestImage> {
  const { path, origin, pinned, cure } = await find(request);
  const { manifest, id, sha256 } = await readManifest(path);
  if (pinned !== undefined && !sha256.startsWith(pinned)) throw swapped(path, id, pinned, cure);
  if (manifest.arch !== request.arch) throw otherArch(path, origin, manifest.arch, request.arch);
  const directory = dirname(path);
  const files = imageFiles(manifest).map((entry) => ({ ...entry, path: join(directory, entry.file) }));
  await verifyFiles(files, request.remember ?? join(statePaths(request.env).home, 'probes.json'), cure);
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

async function find(request: ImageRequest): Promise<Found> {
  const env = request.env ?? process.env;
  const named: readonly (readonly [string | undefined, string])[] = [
    [request.image, ''],
    ...[`VZSHELL_IMAGE_${request.arch.toUpperCase()}`, 'VZSHELL_IMAGE'].map(
      (name) => [env[name], ` (from ${name})`] as const,
    ),
  ];
  for (const [value, origin] of named) {
    if (value !== undefined && value !== '') return findNamed(value, origin, request);
  }
  const root = packageRoot(request);
  const own = join(root, 'build', 'guest', request.arch);
  const path = await manifestAt(own);
  if (path !== null) return { path, origin: '', cure: rebuild(request) };
  const pin = readPin(request.arch, root);
  if (pin !== null) return fetched({ kind: 'pin', pin }, '', request);
  throw new VzshellError('ERR_IMAGE', `there is no guest image for ${request.arch}: ${own} does not exist`, {
    hint: rebuild(request),
  });
}

async function findNamed(value: string, origin: string, request: ImageRequest): Promise<Found> {
  const source = parseSource(value);
  if (source.kind === 'npm' || source.kind === 'url') return fetched(source, origin, request);
  const path = await manifestAt(source.kind === 'id' ? imageDirectory(source.id, request.env) : resolve(source.path));
  if (path !== null && source.kind === 'id') return { path, origin, pinned: source.id, cure: REFETCH };
  if (path !== null) return { path, origin, cure: rebuild(request) };
  throw new VzshellError('ERR_IMAGE', `there is no guest image at '${value}'${origin}`, {
    hint: 'give the path of a manifest.json, or of the directory that holds it; `vzshell image list` shows those that were fetched',
  });
}

/** The image of a source in the cache; fetched if it is not there. */
async function fetched(source: Remote, origin: string, request: ImageRequest): Promise<Found> {
  const { arch, env, signal, onProgress } = request;
  const there = async (): Promise<string | null> => {
    const id = source.kind === 'pin' ? pinnedId(source.pin) : readSources(env)[sourceKey(source.text, arch)]?.id;
    return id !== undefined && (await manifestAt(imageDirectory(id, env))) !== null ? id : null;
  };
  const found = async (id: string): Promise<Found> => ({
    path: (await manifestAt(imageDirectory(id, env))) ?? join(imageDirectory(id, env), 'manifest.json'),
    origin,
    pinned: source.kind === 'pin' ? source.pin.manifest : id,
    cure: `fetch it again: vzshell image pull --force --arch ${arch}${source.kind === 'pin' ? '' : ` '${source.text}'`}`,
  });
  const { pull = 'missing' } = request;
  const asks = pull === 'again' || (pull === 'newer' && source.kind !== 'pin');
  const id = asks ? null : await there();
  if (id !== null) return found(id);
  const name = source.kind === 'pin' ? `${source.pin.package}@${source.pin.version}` : source.text;
  if (pull === 'never') {
    throw new VzshellError('ERR_IMAGE', `the guest image ${name} was not fetched yet`, {
      hint: `the first start does it, or: vzshell image pull --arch ${arch}`,
      details: { reason: 'not-fetched', ...(source.kind === 'pin' && { size: source.pin.size }) },
    });
  }
  const { pullImage } = await import('./pull.ts');
  const options = {
    arch,
    ...(asks ? { again: pull === 'again' } : { already: there }),
    ...(env && { env }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  };
  return found(await pullImage(source, options));
}

function swapped(path: string, found: string, wanted: string, cure: string): VzshellError {
  return new VzshellError(
    'ERR_IMAGE',
    `the guest image ${path} is another one (${found}) than it should be (${wanted.slice(0, 16)})`,
    {
      hint: cure,
      details: { found, wanted },
    },
  );
}

function otherArch(path: string, origin: string, found: Arch, wanted: Arch): VzshellError {
  return new VzshellError('ERR_IMAGE', `guest image ${path}${origin} is for ${found}, the machine is ${wanted}`, {
    hint: `name an image for ${wanted}, or start the machine with the architecture ${found}`,
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
  return request.packageRoot ?? ownRoot();
}

function rebuild(request: ImageRequest): string {
  const script = join(packageRoot(request), 'scripts', 'build-guest');
  return `build it: ${script} ${request.arch}\nor name one that you have: VZSHELL_IMAGE=/path/to/manifest.json`;
}
