// Whether the host's Nix store has changed. Asked before every command, so it looks at files and at nothing else.

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../state/json-file.ts';
import { runPaths, statePaths } from '../../state/paths.ts';
import type { VmSpec } from '../../supervisor/spec.ts';

/** `current.json` in the directory of the run: what the guest was last told of. */
export interface Current {
  readonly schema: 1;
  readonly generation: string;
  readonly state: string;
}

/** Milliseconds: two writes within this may leave a file with one and the same time. */
const TICK = 100;

/** Changes whenever Nix's database does. */
export function databaseState(database: string): string {
  const now = BigInt(Date.now());
  const parts = ['', '-wal'].map((suffix) => {
    const stat = statSync(`${database}${suffix}`, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return 'none';
    const fresh = now - stat.mtimeMs < TICK;
    return `${stat.ino} ${stat.size} ${stat.mtimeNs}${fresh ? ` ${randomBytes(4).toString('hex')}` : ''}`;
  });
  return parts.join(' ');
}

/** Whether the host's store is below the guest's, and has changed since the guest was told of it. */
export function isOutdated(spec: Pick<VmSpec, 'id' | 'store'>): boolean {
  const host = spec.store?.host;
  return host !== undefined && host !== null && databaseState(host.source) !== toldOf(spec).state;
}

/** What the guest was last told of. */
export function toldOf({ id, store }: Pick<VmSpec, 'id' | 'store'>): Current {
  const refreshed = readJson<Current>(join(runPaths(statePaths(), id).databases, 'current.json'), 1);
  return refreshed ?? { schema: 1, generation: store?.host?.generation ?? '', state: store?.host?.state ?? '' };
}
