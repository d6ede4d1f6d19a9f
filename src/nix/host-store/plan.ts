// Whether the host's Nix store is a layer of a guest's, and which state of it.

import { VzshellError } from '../../errors.ts';
import type { GuestImage } from '../../image/locate.ts';
import type { StatePaths } from '../../state/paths.ts';
import type { HostCacheSpec, StoreSpec } from '../../supervisor/spec.ts';
import { type Looking, mayBeHacked } from './case-hack.ts';
import { findProgram, type HostNix, locateHostNix } from './locate.ts';
import { type Snapshot, snapshotHostStore } from './snapshot.ts';
import { Unusable } from './unusable.ts';

export interface PlannedStore {
  readonly store: StoreSpec;
  /** Lock files of the host, which the guest must not see. */
  readonly locks: readonly string[];
}

/**
 * Looks at the host's store, as `mode` says. With `auto` it is used where it can be, and the reason is kept where it cannot;
 * with `host` that reason is an error.
 */
export async function planHostStore(
  mode: StoreSpec['mode'],
  image: GuestImage,
  paths: Pick<StatePaths, 'stores'>,
  looking: Looking = {},
): Promise<PlannedStore> {
  const none = { mode, host: null, cache: null };
  if (mode === 'image') return { store: { ...none, reason: null }, locks: [] };
  let nix: HostNix | null = null;
  try {
    nix = await locateHostNix();
    const { imageDatabase, snapshot } = await currentSnapshot(nix, image, paths, looking);
    const { id, generation, state, file, paths: usable, leftOut, locks } = snapshot;
    // Not worth a layer at a start; a guest that has the layer already is told so.
    if (usable === 0) throw new NothingThere("the host's Nix store is empty", 'use --store image');
    const host = { directory: nix.store, source: nix.database, id, generation, state, imageDatabase, database: file };
    // What cannot be a part of the layer, now or after a refresh, need not be built or fetched again either.
    const cache = leftOut > 0 || mayBeHacked(nix) ? cacheOf(nix) : null;
    return { store: { mode, host: { ...host, paths: usable, leftOut }, cache, reason: null }, locks };
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    const cache = nix === null || error instanceof NothingThere ? null : cacheOf(nix);
    if (mode === 'auto') return { store: { ...none, cache, reason: error.message }, locks: [] };
    throw new VzshellError('ERR_UNSUPPORTED_HOST', `the host's Nix store cannot be used: ${error.message}`, {
      cause: error,
      ...(error.hint !== '' && { hint: error.hint }),
    });
  }
}

/** The host's store as it is now. Throws `Unusable`. */
export async function currentSnapshot(
  nix: HostNix,
  image: Pick<GuestImage, 'id' | 'manifest' | 'storeDatabase'>,
  paths: Pick<StatePaths, 'stores'>,
  looking: Looking = {},
): Promise<{ readonly imageDatabase: string; readonly snapshot: Snapshot }> {
  if (image.storeDatabase === null) {
    const why = `the guest image ${image.manifest} does not bring the database of its store`;
    throw new Unusable(why, 'use an image of this version of vzshell');
  }
  const imageStore = { id: image.id, database: image.storeDatabase };
  const snapshot = await snapshotHostStore(nix, imageStore, paths.stores, looking);
  return { imageDatabase: image.storeDatabase, snapshot };
}

class NothingThere extends Unusable {}

/** Null without the program that reads the database. */
function cacheOf(nix: HostNix): HostCacheSpec | null {
  const program = findProgram('sqlite3');
  if (program === null) return null;
  return {
    database: nix.database,
    directory: nix.store,
    nixStore: nix.program,
    caseHack: mayBeHacked(nix),
    sqlite: program,
  };
}
