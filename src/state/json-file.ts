// State files are JSON objects with a `schema` number. A reader after a power cut sees the old file or the new one, never half.

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { VzshellError } from '../errors.ts';
import { cannotKeepState } from './paths.ts';

/** Bytes; none of our files comes near it, and a damaged one must not fill the memory. */
const MAX_STATE_FILE = 8 * 1024 * 1024;

/** Replaces a file in one step: temporary name, fsync, rename, fsync of the directory. */
export function writeJson(path: string, value: object): void {
  place(path, textOf(value), renameSync);
}

/**
 * Replaces a file in one step for other processes, without a wait for the disk: for what means nothing after a power cut, and whose
 * readers take a damaged one for none then.
 */
export function writePassingJson(path: string, value: object): void {
  place(path, textOf(value), renameSync, false);
}

/** The same as `writeJson` for a file that is not JSON. */
export function writeText(path: string, text: string): void {
  place(path, text, renameSync);
}

function textOf(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Creates a file in one step. False when it is there already, which is then left as it is. */
export function createJson(path: string, value: object): boolean {
  try {
    place(path, textOf(value), (temporary, final) => {
      linkSync(temporary, final);
      unlinkSync(temporary);
    });
    return true;
  } catch (error) {
    if (error instanceof VzshellError && error.details?.errno === 'EEXIST') return false;
    throw error;
  }
}

function place(path: string, text: string, put: (temporary: string, final: string) => void, durable = true): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, text);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    put(temporary, path);
    if (!durable) return;
    const directory = openSync(dirname(path), 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    discard(temporary);
    throw cannotKeepState(path, error);
  }
}

/** Removes what is left of a write that failed. Why that one failed is worth telling, not this. */
function discard(temporary: string): void {
  try {
    unlinkSync(temporary);
  } catch {
    return;
  }
}

/**
 * A state file as it was written, or null when there is none. Throws when it cannot be ours: damaged, or of another schema.
 * Only the schema is checked: what this program wrote whole needs no second look at every field.
 */
export function readJson<T extends { readonly schema: number }>(path: string, schema: T['schema']): T | null {
  const text = readText(path);
  if (text === null) return null;
  const value = parse(path, text);
  if (value.schema !== schema) {
    throw new VzshellError(
      'ERR_INVALID_STATE',
      `${path} has schema ${JSON.stringify(value.schema) ?? 'none'}, this version of vzshell knows ${schema}`,
      { hint: 'use the version of vzshell that wrote it, or delete what it belongs to' },
    );
  }
  return value as unknown as T;
}

function readText(path: string): string | null {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = readFileSync(file);
      if (bytes.length <= MAX_STATE_FILE) return bytes.toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new VzshellError('ERR_INVALID_STATE', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  throw new VzshellError('ERR_INVALID_STATE', `${path} is damaged: it is over ${MAX_STATE_FILE} bytes long`);
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new VzshellError('ERR_INVALID_STATE', `${path} is damaged: ${(error as Error).message}`, { cause: error });
  }
  throw new VzshellError('ERR_INVALID_STATE', `${path} is damaged: it holds no JSON object`);
}

/** Removes a file if it is there. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
