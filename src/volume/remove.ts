import { existsSync } from 'node:fs';
import { removeFile } from '../state/json-file.ts';
import { LockRefused, withLock } from '../state/lock.ts';
import type { StatePaths } from '../state/paths.ts';
import { checkVolumeName } from './ensure.ts';
import { volumeFiles } from './files.ts';
import { volumeInUse } from './holder.ts';
import { noSuchVolume } from './missing.ts';

/** Deletes a volume and all that is on it. Refused while a VM has it. */
export async function removeVolume(paths: StatePaths, name: string): Promise<void> {
  checkVolumeName(name);
  const files = volumeFiles(paths, name);
  if (!existsSync(files.image) && !existsSync(files.meta)) {
    throw noSuchVolume(paths, name);
  }
  try {
    await withLock(files.lock, { wait: 0 }, async () => {
      removeFile(files.image);
      removeFile(files.meta);
      removeFile(files.holder);
    });
  } catch (error) {
    throw error instanceof LockRefused ? volumeInUse(files, name, 'stop') : error;
  }
}
