// A volume is a sparse disk file, its identity, its lock, and a note of who holds it. Its lock file is never removed: a
// process that waits for the lock would then hold one that nobody else sees.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { StatePaths } from '../state/paths.ts';

export const VOLUME_SCHEMA = 1;

/** Throwaway volumes have no lock and no notes: nobody else can know their random names. */
const THROWAWAY = 'throwaway-';

export interface VolumeFiles {
  readonly image: string;
  readonly meta: string;
  readonly lock: string;
  readonly holder: string;
}

/** `<name>.json`. */
export interface VolumeMeta {
  readonly schema: typeof VOLUME_SCHEMA;
  readonly name: string;
  /** Of its ext4 file system. */
  readonly uuid: string;
  /** Bytes. */
  readonly size: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** `<name>.holder`: written by the supervisor that has the lock. Believed only while the lock is held. */
export interface VolumeHolder {
  readonly schema: typeof VOLUME_SCHEMA;
  readonly vm: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly since: string;
}

export function volumeFiles(paths: Pick<StatePaths, 'volumes'>, name: string): VolumeFiles {
  const base = join(paths.volumes, name);
  return { image: `${base}.img`, meta: `${base}.json`, lock: `${base}.lock`, holder: `${base}.holder` };
}

/** A name that no other volume has. */
export function throwawayName(): string {
  return THROWAWAY + randomBytes(6).toString('hex');
}

export function isThrowaway(name: string): boolean {
  return name.startsWith(THROWAWAY);
}
