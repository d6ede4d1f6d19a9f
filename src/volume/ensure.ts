import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { VzshellError } from '../errors.ts';
import { createJson, readJson } from '../state/json-file.ts';
import { isName, NAME_RULE } from '../state/names.ts';
import { cannotKeepState, type StatePaths } from '../state/paths.ts';
import { readExt4 } from './ext4.ts';
import { isThrowaway, VOLUME_SCHEMA, type VolumeFiles, type VolumeMeta, volumeFiles } from './files.ts';

export interface Volume {
  readonly name: string;
  readonly path: string;
  readonly uuid: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * The volume of that name, made on first use. `size` counts for a new one alone: an existing one is never shrunk, and growing
 * the file would not grow the file system in it.
 */
export function ensureVolume(paths: StatePaths, name: string, size: number): Volume {
  checkVolumeName(name);
  const files = volumeFiles(paths, name);
  let meta = readMeta(files, name);
  if (meta === null) {
    // A volume whose notes were lost keeps its content.
    const uuid = readExt4(files.image)?.uuid ?? randomUUID();
    // Two first users at once: one of them writes the file, and both go on with what it says.
    createJson(files.meta, { schema: VOLUME_SCHEMA, name, uuid, size, createdAt: new Date().toISOString() });
    meta = readMeta(files, name);
  }
  if (meta === null) throw new VzshellError('ERR_VOLUME', `volume '${name}' was removed while it was being made`);
  createDisk(files.image, meta.size);
  return { name, path: files.image, uuid: meta.uuid, size: meta.size };
}

/** A sparse file of that size; one that is there already is left alone. */
export function createDisk(path: string, size: number): void {
  try {
    const file = openSync(path, 'a', 0o600);
    try {
      if (fstatSync(file).size === 0) ftruncateSync(file, size);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EFBIG') {
      throw new VzshellError('ERR_VOLUME', `${path} cannot be ${size} bytes long on this file system`, {
        cause: error,
        hint: 'ask for a smaller disk',
      });
    }
    throw cannotKeepState(path, error);
  }
}

export function checkVolumeName(name: string): void {
  if (isName(name) && !isThrowaway(name)) return;
  const why = isThrowaway(name) ? "'throwaway-' begins the names of volumes without one" : NAME_RULE;
  throw new VzshellError('ERR_INVALID_OPTION', `a volume cannot be called '${name}': ${why}`);
}

export function readMeta(files: VolumeFiles, name: string): VolumeMeta | null {
  const meta = readJson<VolumeMeta>(files.meta, VOLUME_SCHEMA);
  if (meta === null) return null;
  const sound = typeof meta.uuid === 'string' && Number.isSafeInteger(meta.size) && meta.size > 0;
  if (sound) return meta;
  throw new VzshellError('ERR_VOLUME', `${files.meta} is damaged: volume '${name}' has no uuid or size in it`, {
    hint: existsSync(files.image)
      ? `remove ${files.meta}; the uuid is read from the disk again`
      : `remove ${files.meta}`,
  });
}
