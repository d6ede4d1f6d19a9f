import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { VzshellError } from '../errors.ts';
import { createJson, removeFile } from '../state/json-file.ts';
import { LockRefused, withLock } from '../state/lock.ts';
import type { StatePaths } from '../state/paths.ts';
import { type CopyOptions, copyDisk } from './copy-disk.ts';
import { checkVolumeName, readMeta } from './ensure.ts';
import { type Ext4, readExt4 } from './ext4.ts';
import { VOLUME_SCHEMA, type VolumeFiles, volumeFiles } from './files.ts';
import { volumeInUse } from './holder.ts';
import { noSuchVolume } from './missing.ts';

/** Behind the name of a disk that is not whole yet. */
const NEW = '.new';
/** Milliseconds to wait for a volume: a VM that was just stopped lets go of it in a moment. */
const PATIENCE = 1_000;

/**
 * Makes a volume that begins as a copy of another. The file system keeps its uuid: a guest never sees two volumes, and what is known of
 * dev shells in the one is true of the other.
 */
export async function cloneVolume(
  paths: StatePaths,
  source: string,
  target: string,
  options: CopyOptions = {},
): Promise<void> {
  checkVolumeName(source);
  checkVolumeName(target);
  const from = volumeFiles(paths, source);
  const to = volumeFiles(paths, target);
  if (!existsSync(from.image)) throw noSuchVolume(paths, source);
  requireFree(to, target);
  await removeUnfinished(paths);
  await locked(from, source, options, () =>
    locked(to, target, options, async () => {
      // Another clone may have had the same name in mind.
      requireFree(to, target);
      const { uuid } = requireClean(from, source);
      const size = readMeta(from, source)?.size ?? statSync(from.image).size;
      const unfinished = to.image + NEW;
      try {
        await copyDisk(from.image, unfinished, options);
        renameSync(unfinished, to.image);
      } catch (error) {
        removeFile(unfinished);
        throw error;
      }
      createJson(to.meta, { schema: VOLUME_SCHEMA, name: target, uuid, size, createdAt: new Date().toISOString() });
    }),
  );
}

/** Removes what a clone that was killed has left. The lock tells it from one that is at work. */
export async function removeUnfinished(paths: StatePaths): Promise<void> {
  for (const file of readdirSync(paths.volumes)) {
    if (!file.endsWith(`.img${NEW}`)) continue;
    const { image, lock } = volumeFiles(paths, file.slice(0, -`.img${NEW}`.length));
    await withLock(lock, { wait: 0 }, async () => removeFile(image + NEW)).catch((error: unknown) => {
      if (!(error instanceof LockRefused)) throw error;
    });
  }
}

function requireFree(to: VolumeFiles, name: string): void {
  if (!existsSync(to.image) && !existsSync(to.meta)) return;
  throw new VzshellError('ERR_VOLUME', `there is a volume '${name}' already`, {
    hint: `take another name, or delete it: \`vzshell volume delete ${name}\``,
  });
}

function requireClean(from: VolumeFiles, name: string): Ext4 {
  const disk = readExt4(from.image);
  if (disk === null) {
    throw new VzshellError('ERR_VOLUME', `volume '${name}' has no file system yet: no VM was ever started with it`, {
      hint: 'a new volume is made by the first start that names it; there is nothing to clone',
    });
  }
  if (disk.clean) return disk;
  throw new VzshellError('ERR_VOLUME', `volume '${name}' was not unmounted in order: its last VM was killed`, {
    hint: 'start the VM that uses it and stop it again with `vzshell stop`: that mends it',
    details: { volume: name },
  });
}

async function locked<T>(
  files: VolumeFiles,
  name: string,
  { signal }: CopyOptions,
  work: () => Promise<T>,
): Promise<T> {
  let held = false;
  try {
    return await withLock(files.lock, { wait: PATIENCE, ...(signal && { signal }) }, () => {
      held = true;
      return work();
    });
  } catch (error) {
    // Not the refusal of another lock, taken in `work`.
    throw error instanceof LockRefused && !held ? volumeInUse(files, name, 'stop') : error;
  }
}
