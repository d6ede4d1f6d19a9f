// How a supervisor is started, with the kernel locks that it holds for exactly as long as it lives: through `flock` where the
// user's node can be one; else the executable takes them itself, as Macs have no `flock`.

import { basename, dirname } from 'node:path';
import { findExecutable, hostCommand, SUPERVISE } from '../host/executable.ts';
import { builtModule } from '../state/built-module.ts';
import { flockArgv } from '../state/lock.ts';
import { runPaths } from '../state/paths.ts';
import { volumeFiles } from '../volume/files.ts';
import type { VmSpec } from './spec.ts';

/** Exit codes by which a supervisor's start says which of the two locks somebody else has. */
export const REFUSED = { vm: 74, volume: 75 };
/** Milliseconds to wait for a volume: a VM that was just stopped lets go of it in a moment. */
const VOLUME_PATIENCE = 1_000;

/** A lock to take before anything else, in this order. */
export interface WantedLock {
  readonly path: string;
  /** Milliseconds to wait for its holder. */
  readonly wait: number;
  /** The exit code when the holder keeps it. */
  readonly refused: number;
}

/** Program and arguments of the supervisor for this VM. `wait`: milliseconds for a VM of the same name that is stopping. */
export function supervisorCommand(spec: VmSpec, wait: number): readonly string[] {
  const { runDir } = spec.machine;
  const locks = wantedLocks(spec, wait);
  if (spec.driver === 'vz') {
    const named = locks.flatMap((lock) => ['--lock', String(lock.wait), String(lock.refused), lock.path]);
    return [...hostCommand(), SUPERVISE, ...named, runDir];
  }
  const taken = locks.flatMap((lock) => flockArgv(lock.path, lock.wait, lock.refused));
  const executable = findExecutable();
  const program =
    executable === null ? [process.execPath, builtModule('supervisor/main.cjs')] : [executable, SUPERVISE];
  return [...taken, ...program, runDir];
}

function wantedLocks(spec: VmSpec, wait: number): WantedLock[] {
  const { runDir } = spec.machine;
  const run = runPaths({ runs: dirname(runDir) }, basename(runDir));
  const own = { path: run.lock, wait, refused: REFUSED.vm };
  if (spec.volume.throwaway) return [own];
  const { lock } = volumeFiles({ volumes: dirname(spec.volume.path) }, spec.volume.name);
  return [own, { path: lock, wait: VOLUME_PATIENCE, refused: REFUSED.volume }];
}
