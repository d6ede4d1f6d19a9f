// What a supervisor finds in its run directory, and what it leaves there. All of it happens under the directory's lock, so
// whatever lies there belongs to nobody alive.

import { existsSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { VzshellError } from '../errors.ts';
import { readJson, removeFile, writeJson, writePassingJson } from '../state/json-file.ts';
import { type RunPaths, runPaths } from '../state/paths.ts';
import { createDisk } from '../volume/ensure.ts';
import { isThrowaway, VOLUME_SCHEMA, type VolumeFiles, type VolumeHolder, volumeFiles } from '../volume/files.ts';
import { type ExitRecord, STATE_SCHEMA, type VmRecord, type VmSpec } from './spec.ts';
import { takeDatabase } from './store-database.ts';

export class RunDirectory {
  readonly spec: VmSpec;
  readonly paths: RunPaths;
  /** Null for a throwaway volume, which nobody else can ask for. */
  readonly #volume: VolumeFiles | null;

  constructor(spec: VmSpec) {
    this.spec = spec;
    const directory = spec.machine.runDir;
    this.paths = runPaths({ runs: dirname(directory) }, basename(directory));
    this.#volume = spec.volume.throwaway ? null : volumeFiles({ volumes: dirname(spec.volume.path) }, spec.volume.name);
  }

  /** Clears away what a dead predecessor left, then writes down who is here now. */
  claim(): void {
    removeLeftovers(this.paths);
    writeJson(this.paths.spec, this.spec);
    takeDatabase(this.spec.store, this.paths);
    const { volume } = this.spec;
    if (volume.throwaway) createDisk(volume.path, volume.size);
    if (this.#volume !== null) {
      const holder: VolumeHolder = {
        schema: VOLUME_SCHEMA,
        vm: this.spec.name,
        pid: process.pid,
        since: new Date().toISOString(),
      };
      writePassingJson(this.#volume.holder, holder);
    }
  }

  /** From here on the VM can be joined. */
  publish(record: VmRecord): void {
    writePassingJson(this.paths.record, record);
  }

  /** From here on nobody joins it any more. */
  retire(): void {
    removeFile(this.paths.record);
  }

  /** The last act of a supervisor whose machine is gone. Goes on after a failure: a full disk must not keep sockets alive. */
  release(exit: ExitRecord): void {
    const { ephemeral } = this.spec;
    const steps = [
      // First of all: who finds no socket reads here why.
      () => ephemeral || writeJson(this.paths.exit, exit),
      () => removeSockets(this.paths),
      () => this.#volume !== null && removeFile(this.#volume.holder),
      () => removeThrowaway(this.spec),
      () => ephemeral && rmSync(this.paths.directory, { recursive: true, force: true }),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        console.error('cleaning up:', error);
      }
    }
  }
}

/**
 * A start that ended before it claimed its directory leaves none that no VM ever used, for nobody to wonder about. The caller has
 * the lock, or the start lock of the name.
 */
export function abandonDirectory(directory: string): void {
  const { lock, log, spec } = runPaths({ runs: dirname(directory) }, basename(directory));
  if (existsSync(spec)) return;
  for (const file of [log, lock]) rmSync(file, { force: true });
  rmdirSync(directory);
}

/** Removes what a dead supervisor left behind: sockets, records, and its throwaway volume. The caller has the lock. */
export function removeLeftovers(paths: RunPaths): void {
  removeSockets(paths);
  removeFile(paths.record);
  removeFile(paths.exit);
  removeThrowaway(oldSpec(paths));
}

/** What the last VM here was. Throws when that cannot be read. */
export function readSpec(paths: RunPaths): VmSpec | null {
  const spec = readJson<VmSpec>(paths.spec, STATE_SCHEMA);
  const { name, machine, configure, volume }: Partial<Record<keyof VmSpec, unknown>> = spec ?? {};
  const complete = typeof name === 'string' && [machine, configure, volume].every((part) => typeof part === 'object');
  if (spec === null || complete) return spec;
  throw new VzshellError('ERR_INVALID_STATE', `${paths.spec} is damaged: it describes no VM`);
}

/** A damaged spec tells nothing that could be cleaned up, and is replaced or deleted in a moment. */
function oldSpec(paths: RunPaths): VmSpec | null {
  try {
    return readSpec(paths);
  } catch {
    return null;
  }
}

function removeThrowaway(spec: VmSpec | null): void {
  if (spec?.volume.throwaway === true && isThrowaway(basename(spec.volume.path))) removeFile(spec.volume.path);
}

function removeSockets(paths: RunPaths): void {
  for (const name of readdirSync(paths.directory)) {
    if (/\.sock(_\d+)?$/.test(name)) removeFile(join(paths.directory, name));
  }
  removeFile(paths.record);
}

/** Empties the log of a supervisor that grew it: only crashes write there, but one may do so for ever. */
export function boundLog(path: string, size: number): void {
  if (size > MAX_LOG) writeFileSync(path, '', { mode: 0o600 });
}

/** Bytes. */
const MAX_LOG = 256 * 1024;
