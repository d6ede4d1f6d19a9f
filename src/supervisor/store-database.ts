import { copyFileSync, linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, type RunPaths } from '../state/paths.ts';
import type { StoreSpec } from './spec.ts';

/** Takes the database of a snapshot into the run directory, where it lives as long as its VM. What an earlier VM left goes. */
export function takeDatabase(store: StoreSpec | undefined, { databases }: RunPaths): void {
  rmSync(databases, { recursive: true, force: true });
  if (store === undefined || store.host === null) return;
  const { host } = store;
  makeDirectory(databases);
  addDatabase(host.database, join(databases, `${host.generation}.sqlite`));
}

/** A second name costs nothing; another file system needs a copy. */
export function addDatabase(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK') throw error;
    copyFileSync(from, to);
  }
}
