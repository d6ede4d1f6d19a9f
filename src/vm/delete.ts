import { existsSync, rmSync } from 'node:fs';
import { VzshellError } from '../errors.ts';
import { LockRefused, withLock } from '../state/lock.ts';
import { prepareState, runPaths, statePaths } from '../state/paths.ts';
import { removeLeftovers } from '../supervisor/run-directory.ts';
import { candidates } from './connect.ts';
import { startLock } from './create.ts';

/** Deletes what a stopped or broken VM left: its records, logs, and throwaway volume. Named volumes stay. */
export async function deleteVm(nameOrId: string): Promise<void> {
  const paths = statePaths();
  prepareState(paths);
  const id = candidates(nameOrId).find((candidate) => existsSync(runPaths(paths, candidate).directory));
  if (id === undefined) throw new VzshellError('ERR_NOT_FOUND', `there is no vm '${nameOrId}'`);
  const run = runPaths(paths, id);
  try {
    // Both locks: nobody may wait for the lock of a directory that is going.
    await withLock(startLock(paths, id), { wait: 0 }, () =>
      withLock(run.lock, { wait: 0 }, async () => {
        removeLeftovers(run);
        rmSync(run.directory, { recursive: true, force: true });
      }),
    );
  } catch (error) {
    if (!(error instanceof LockRefused)) throw error;
    throw new VzshellError('ERR_INVALID_STATE', `vm '${nameOrId}' is in use`, {
      hint: `stop it first: \`vzshell stop ${nameOrId}\``,
    });
  }
}
