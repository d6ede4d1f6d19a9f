// Where images that were fetched or imported lie: one read-only directory each, named by the first 16 hex digits of its manifest's
// sha256. All VMs share them. Whoever changes anything there has the lock; who boots needs none, for a directory is there whole or not at all.

import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockRefused, withLock } from '../state/lock.ts';
import { prepareState, statePaths } from '../state/paths.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { type CachePaths, cachePaths, imageDirectory, isImageId } from './place.ts';
import { readSources } from './sources.ts';

/** Milliseconds after which nobody comes back for a partial download. */
const STALE = 7 * 24 * 3600_000;
/** Names of what is no image: being filled, being removed. */
const NEW = '.new-';
const OLD = '.old-';

export interface LockWish {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** Somebody else has it, so this waits. */
  readonly onWait?: () => void;
}

/** Runs `work` as the only one who changes the cache; what a killed process left there is gone by then. */
export async function withCache<T>(
  { env, signal, onWait }: LockWish,
  work: (paths: CachePaths) => Promise<T>,
): Promise<T> {
  const paths = cachePaths(env);
  prepareState(statePaths(env));
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  const run = async (): Promise<T> => {
    await sweep(paths, STALE);
    return work(paths);
  };
  const abort = signal === undefined ? {} : { signal };
  try {
    return await withLock(paths.lock, { wait: 0, ...abort }, run);
  } catch (error) {
    if (!(error instanceof LockRefused)) throw error;
    onWait?.();
    return withLock(paths.lock, abort, run);
  }
}

/** Removes what was begun and not finished; partial downloads when they are older than `age` milliseconds. Says how many bytes that frees. */
export async function sweep({ directory, downloads }: CachePaths, age: number, dryRun = false): Promise<number> {
  const begun = (await readdir(directory)).filter((name) => name.startsWith(NEW) || name.startsWith(OLD));
  const partial: string[] = [];
  for (const name of await readdir(downloads).catch(() => [])) {
    const { mtimeMs } = await stat(join(downloads, name));
    if (Date.now() - mtimeMs >= age) partial.push(name);
  }
  let freed = 0;
  for (const path of [...begun.map((name) => join(directory, name)), ...partial.map((name) => join(downloads, name))]) {
    freed += await allocated(path);
    if (!dryRun) await rm(path, { recursive: true, force: true });
  }
  return freed;
}

/** An empty directory for an image that is being made. */
export async function stagingDirectory({ directory }: CachePaths): Promise<string> {
  const path = join(directory, `${NEW}${process.pid}-${Date.now().toString(36)}`);
  await mkdir(path, { mode: 0o700 });
  return path;
}

/** Removes an image: from one moment to the next it is not there, however long its bytes take. */
export async function removeImage(id: string, { directory }: CachePaths): Promise<number> {
  const gone = join(directory, `${OLD}${id}`);
  await rm(gone, { recursive: true, force: true });
  await rename(join(directory, id), gone);
  const freed = await allocated(gone);
  await rm(gone, { recursive: true, force: true });
  return freed;
}

export interface CachedImage {
  readonly id: string;
  readonly directory: string;
  /** Null when it cannot be read. */
  readonly manifest: Manifest | null;
  readonly problem: string | null;
  /** Bytes on the disk. */
  readonly bytes: number;
  /** What it was asked for as. */
  readonly sources: readonly string[];
  /** ISO 8601. */
  readonly installedAt: string;
}

/** All images of the cache, the newest first; damaged ones with what is wrong. */
export async function listImages(env?: NodeJS.ProcessEnv): Promise<CachedImage[]> {
  const { directory } = cachePaths(env);
  const names = (await readdir(directory).catch(() => [])).filter(isImageId);
  const images = await Promise.all(names.map((id) => describe(id, env)));
  return images.sort((a, b) => b.installedAt.localeCompare(a.installedAt));
}

async function describe(id: string, env?: NodeJS.ProcessEnv): Promise<CachedImage> {
  const directory = imageDirectory(id, env);
  const sources = Object.entries(readSources(env)).filter(([, entry]) => entry.id === id);
  const common = {
    id,
    directory,
    bytes: await allocated(directory),
    sources: sources.map(([source]) => source),
    installedAt: (await stat(directory)).mtime.toISOString(),
  };
  try {
    const { manifest, id: found } = await readManifest(join(directory, 'manifest.json'));
    const problem = found === id ? null : `its manifest is that of ${found}`;
    return { ...common, manifest, problem };
  } catch (error) {
    return { ...common, manifest: null, problem: (error as Error).message };
  }
}

/** Bytes that a file, or a directory and the files in it, take on the disk. */
async function allocated(path: string): Promise<number> {
  const status = await stat(path);
  if (!status.isDirectory()) return status.blocks * 512;
  const inside = await Promise.all((await readdir(path)).map((name) => allocated(join(path, name))));
  return inside.reduce((sum, bytes) => sum + bytes, 0);
}
