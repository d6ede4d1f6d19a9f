// What a machine must keep between its runs: two machines with one identifier are undefined, a changed one cannot be restored,
// and a changed MAC address loses its DHCP lease.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Identity {
  readonly machineIdentifier: string | null;
  readonly macs: readonly string[];
}

/** The name of the file in the machine's run directory. */
export const IDENTITY_FILE = 'vz-identity.json';

/** What an earlier run kept; a new identity where there is nothing readable. */
export function readIdentity(runDir: string): Identity {
  const none: Identity = { machineIdentifier: null, macs: [] };
  try {
    const { machineIdentifier, macs } = JSON.parse(readFileSync(join(runDir, IDENTITY_FILE), 'utf8'));
    if (typeof machineIdentifier !== 'string' || !Array.isArray(macs)) return none;
    return { machineIdentifier, macs: macs.filter((mac) => typeof mac === 'string') };
  } catch {
    return none;
  }
}

/** By rename: a torn file would give the machine a new identity. */
export function keepIdentity(runDir: string, identity: Identity): void {
  const path = join(runDir, IDENTITY_FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify(identity)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
