import { readdirSync, statSync } from 'node:fs';
import { LockRefused, withLock } from '../state/lock.ts';
import type { StatePaths } from '../state/paths.ts';
import { readMeta } from './ensure.ts';
import { isThrowaway, type VolumeHolder, volumeFiles } from './files.ts';
import { readHolder } from './holder.ts';

export interface VolumeInfo {
  readonly name: string;
  readonly path: string;
  readonly uuid: string | null;
  /** Bytes that it may grow to. */
  readonly size: number;
  /** Bytes that it takes on the host. */
  readonly used: number;
  readonly createdAt: string | null;
  /** Who has it in use, else null. */
  readonly holder: Pick<VolumeHolder, 'vm' | 'pid' | 'since'> | null;
  /** Why it cannot be used, else null. */
  readonly problem: string | null;
}

/** All named volumes, by name. A damaged one is listed with its problem and stops nobody else. */
export async function listVolumes(paths: StatePaths): Promise<VolumeInfo[]> {
  return Promise.all(volumeNames(paths).map((name) => describe(paths, name)));
}

export function volumeNames(paths: StatePaths): string[] {
  return filesIn(paths.volumes)
    .filter((file) => file.endsWith('.img') && !isThrowaway(file))
    .map((file) => file.slice(0, -'.img'.length))
    .sort();
}

async function describe(paths: StatePaths, name: string): Promise<VolumeInfo> {
  const files = volumeFiles(paths, name);
  const stat = statSync(files.image);
  const base = { name, path: files.image, used: stat.blocks * 512, holder: await currentHolder(paths, name) };
  try {
    const meta = readMeta(files, name);
    return {
      ...base,
      uuid: meta?.uuid ?? null,
      size: meta?.size ?? stat.size,
      createdAt: meta?.createdAt ?? null,
      problem: null,
    };
  } catch (error) {
    return { ...base, uuid: null, size: stat.size, createdAt: null, problem: (error as Error).message };
  }
}

/** The note is only as good as the lock: a holder that was killed leaves it behind. */
async function currentHolder(paths: StatePaths, name: string): Promise<VolumeInfo['holder']> {
  const files = volumeFiles(paths, name);
  const noted = readHolder(files);
  if (noted === null) return null;
  try {
    await withLock(files.lock, { wait: 0 }, async () => undefined);
    return null;
  } catch (error) {
    if (error instanceof LockRefused) return { vm: noted.vm, pid: noted.pid, since: noted.since };
    throw error;
  }
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
