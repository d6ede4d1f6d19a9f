// The host's store below that of a VM that runs: what the host has got since is made known to the guest, and what the guest uses is
// kept from the host's garbage collection.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VzshellError } from '../../errors.ts';
import { writeJson } from '../../state/json-file.ts';
import { withLock } from '../../state/lock.ts';
import { runPaths, statePaths } from '../../state/paths.ts';
import type { VmSpec } from '../../supervisor/spec.ts';
import { addDatabase } from '../../supervisor/store-database.ts';
import { createCommands } from '../../vm/commands.ts';
import type { CommandContext } from '../../vm/context.ts';
import { hostPathsAmong } from './closure.ts';
import { locateHostNix } from './locate.ts';
import { type Current, isOutdated, toldOf } from './outdated.ts';
import { currentSnapshot } from './plan.ts';
import { keepFromCollection } from './root.ts';
import { Unusable } from './unusable.ts';

/** A VM as far as the host's store below its own is concerned. */
export interface StoreVm {
  readonly spec: Pick<VmSpec, 'id' | 'name' | 'image' | 'store'>;
  readonly context: CommandContext;
}

/** Where the guest's Nix keeps the volume's part of its database. */
const DATABASE = '/nix/var/nix/db/db.sqlite';
/** Bytes of the list of paths that a guest is believed to use. */
const MAX_PATHS = 32 * 1024 * 1024;

/** Tells the guest what the host's store has now. False when it knows already, or has the image's store alone. */
export async function refreshStore({ spec, context }: StoreVm): Promise<boolean> {
  const host = spec.store?.host;
  if (host === undefined || host === null || !isOutdated(spec)) return false;
  const paths = statePaths();
  const { databases } = runPaths(paths, spec.id);
  const lock = join(paths.locks, `${spec.id}.store`);
  return withLock(lock, {}, async () => {
    if (!isOutdated(spec)) return false;
    const { snapshot } = await usable(async () =>
      currentSnapshot(await locateHostNix(), { ...spec.image, storeDatabase: host.imageDatabase }, paths),
    );
    const { generation, locks, state, paths: usablePaths, leftOut } = snapshot;
    addDatabase(snapshot.file, join(databases, `${generation}.sqlite`));
    await context.agent.refreshStore({ generation, locks });
    const current: Current = { schema: 1, generation, state, paths: usablePaths, leftOut };
    writeJson(join(databases, 'current.json'), current);
    for (const name of readdirSync(databases)) {
      if (name.endsWith('.sqlite') && name !== `${generation}.sqlite`) rmSync(join(databases, name), { force: true });
    }
    return true;
  });
}

/** Makes the host keep all of its paths that the guest uses, until the VM is deleted. */
export async function protectUsed({ spec, context }: StoreVm): Promise<void> {
  const host = spec.store?.host;
  if (host === undefined || host === null) return;
  const lock = join(statePaths().locks, `${spec.id}.root`);
  // Asked under the lock: of two at once the one that has asked first must not have the last word.
  await withLock(lock, {}, () => protectNow(spec, context, host.imageDatabase));
}

async function protectNow(spec: StoreVm['spec'], context: CommandContext, imageDatabase: string): Promise<void> {
  // On a fresh volume there is none until Nix is first used.
  const query = `[ ! -e ${DATABASE} ] || exec sqlite3 -readonly ${DATABASE} 'select path from ValidPaths'`;
  const options = { user: 'root', cwd: '/', maxBuffer: MAX_PATHS };
  const { stdout } = await createCommands(context).exec('sh', ['-c', query], options);
  const { databases, directory } = runPaths(statePaths(), spec.id);
  const database = join(databases, `${toldOf(spec).generation}.sqlite`);
  const used = await usable(() => hostPathsAmong(stdout.split('\n'), database, imageDatabase));
  const nix = await usable(() => locateHostNix());
  await keepFromCollection(nix, used, directory, spec.name);
}

/** What was usable at the start of the VM should be so now. */
async function usable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    throw new VzshellError('ERR_NIX', `the host's Nix store can no longer be used: ${error.message}`, {
      cause: error,
      ...(error.hint !== '' && { hint: error.hint }),
    });
  }
}
