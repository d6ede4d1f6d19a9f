// Whether the host's Nix store has changed. Asked before every command, so it looks at files and at nothing else.

import { randomBytes } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../state/json-file.ts';
import { runPaths, statePaths } from '../../state/paths.ts';
import type { VmSpec } from '../../supervisor/spec.ts';

/** `current.json` in the directory of the run: what the guest was last told of. */
export interface Current {
  readonly schema: 1;
  readonly generation: string;
  readonly state: string;
  readonly paths: number;
  readonly leftOut: number;
}

/** Milliseconds: two writes within this may leave a file with one and the same time. */
const TICK = 100;

/** Changes whenever Nix's database does. */
export function databaseState(database: string): string {
  return filesOf(database)
    .map((stat) => (stat === null ? 'none' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`))
    .join(' ');
}

/** The same to be remembered: what may change once more without being seen is never found again. */
export function lastingState(database: string): string {
  const now = BigInt(Date.now());
  const fresh = filesOf(database).some((stat) => stat !== null && now - stat.mtimeMs < TICK);
  return databaseState(database) + (fresh ? ` ${randomBytes(4).toString('hex')}` : '');
}

function filesOf(database: string): (BigIntStats | null)[] {
  return ['', '-wal'].map(
    (suffix) => statSync(`${database}${suffix}`, { bigint: true, throwIfNoEntry: false }) ?? null,
  );
}

/** Whether the host's store is below the guest's, and has changed since the guest was told of it. */
export function isOutdated(spec: Pick<VmSpec, 'id' | 'store'>): boolean {
  const host = spec.store?.host;
  return host !== undefined && host !== null && databaseState(host.source) !== toldOf(spec).state;
}

/** What the guest was last told of. */
export function toldOf({ id, store }: Pick<VmSpec, 'id' | 'store'>): Omit<Current, 'schema'> {
  const refreshed = readJson<Current>(join(runPaths(statePaths(), id).databases, 'current.json'), 1);
  return refreshed ?? store?.host ?? { generation: '', state: '', paths: 0, leftOut: 0 };
}
