import { readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { LockRefused, withLock } from '../state/lock.ts';
import { runPaths } from '../state/paths.ts';
import { readSpec, removeLeftovers } from './run-directory.ts';
import type { VmSpec } from './spec.ts';

/**
 * Removes what VMs with random names left behind when their supervisor was killed: nobody will start those names again, so
 * nobody else would ever clean up. Others are healed by their own next start.
 */
export async function sweepDead(own: VmSpec): Promise<void> {
  const runs = dirname(own.machine.runDir);
  for (const id of readdirSync(runs)) {
    if (id === own.id || !isEphemeral(runs, id)) continue;
    const run = runPaths({ runs }, id);
    try {
      await withLock(run.lock, { wait: 0 }, async () => {
        removeLeftovers(run);
        rmSync(run.directory, { recursive: true, force: true });
      });
    } catch (error) {
      // It lives, or another supervisor sweeps here too.
      if (!(error instanceof LockRefused)) console.error(`sweeping ${run.directory}:`, error);
    }
  }
}

/** A directory without a spec is one in the making, and is left alone. */
function isEphemeral(runs: string, id: string): boolean {
  try {
    return readSpec(runPaths({ runs }, id))?.ephemeral === true;
  } catch {
    return false;
  }
}
