// The host's cache of dev environments: $VZSHELL_HOME/envs/<volume uuid>/. What an entry points to (the environment in the store,
// the rc script) lies on that volume, so the cache of another volume is of no use. It is only a cache: nothing here is fsynced,
// what cannot be read is absent, and the guest is asked for the paths at every use (`requires`).

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../state/paths.ts';
import type { DirectParts } from './direct.ts';
import { EMPTY_MEMO, fingerprint, type Memo } from './fingerprint.ts';

/** Number of the files' format and of what the guest keeps beside them. Another number makes every entry a stranger. */
export const CACHE_FORMAT = 1;
/** Entries kept per shell of a project: enough for a few branches. */
export const KEPT_ENTRIES = 8;

/** What a dev environment depends on beside the files of its project. */
export interface KeyParts {
  readonly shell: string;
  readonly impure: boolean;
  readonly system: string;
  readonly imageId: string;
  readonly nixVersion: string;
  readonly user: string;
  /** The flake's directory in the guest: paths of it may be part of the environment. */
  readonly flake: string;
}

/** An environment, ready to be entered. */
export interface CachedEnvironment extends DirectParts {
  readonly format: typeof CACHE_FORMAT;
  readonly key: string;
  /** Whether entering runs code of the project, so that a bash is needed. */
  readonly hasHook: boolean;
  /** The script in the guest, see `rc.ts`. */
  readonly rc: string;
  /** The environment's path in the guest's store. */
  readonly storePath: string;
}

interface Index {
  readonly format: typeof CACHE_FORMAT;
  readonly watch: string;
  readonly memo: Memo;
  /** Key of the entry that was evaluated last. */
  readonly lastGood: string | null;
}

export interface ProjectKey {
  readonly key: string;
  /** Hash of the files but flake.lock. */
  readonly filesWithoutLock: string;
}

/** The key of an environment: files and everything else that it depends on. */
export function keyOf(files: string, parts: KeyParts): string {
  const { shell, impure, system, imageId, nixVersion, user, flake } = parts;
  const identity = JSON.stringify([CACHE_FORMAT, files, shell, impure, system, imageId, nixVersion, user, flake]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

/** The cached environments of one dev shell of one project on one volume. */
export class EnvCache {
  readonly #directory: string;
  readonly #slug: string;
  #index: Index | null | undefined;

  constructor(envsDir: string, volumeUuid: string, slug: string) {
    this.#directory = join(envsDir, volumeUuid);
    this.#slug = slug;
  }

  /** The key of the environment that the files below `root` describe now. */
  key(root: string, watch: readonly string[], parts: KeyParts): ProjectKey {
    const patterns = JSON.stringify(watch);
    const index = this.#readIndex();
    const known = index !== null && index.watch === patterns ? index.memo : EMPTY_MEMO;
    const { digest, digestWithoutLock, memo, changed } = fingerprint(root, watch, known);
    if (changed || index === null) {
      this.#writeIndex({ format: CACHE_FORMAT, watch: patterns, memo, lastGood: index?.lastGood ?? null });
    }
    return { key: keyOf(digest, parts), filesWithoutLock: digestWithoutLock };
  }

  get(key: string): CachedEnvironment | null {
    return readCached<CachedEnvironment>(this.#entryPath(key));
  }

  lastGood(): CachedEnvironment | null {
    const key = this.#readIndex()?.lastGood ?? null;
    return key === null ? null : this.get(key);
  }

  /** Keeps an entry, makes it the last good one, and forgets the oldest. */
  put(entry: CachedEnvironment): void {
    writeCached(this.#entryPath(entry.key), entry);
    const index = this.#readIndex() ?? { format: CACHE_FORMAT, watch: '[]', memo: EMPTY_MEMO, lastGood: null };
    this.#writeIndex({ ...index, lastGood: entry.key });
    this.#prune(entry.key);
  }

  forget(key: string): void {
    removeQuietly(this.#entryPath(key));
  }

  #prune(current: string): void {
    const prefix = `${this.#slug}-`;
    const entries = listOrNothing(this.#directory)
      .filter((name) => name.startsWith(prefix) && /^[0-9a-f]{32}\.json$/.test(name.slice(prefix.length)))
      .map((name) => join(this.#directory, name))
      .filter((path) => path !== this.#entryPath(current))
      .map((path) => ({ path, mtime: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
      .sort((a, b) => b.mtime - a.mtime);
    for (const { path } of entries.slice(KEPT_ENTRIES - 1)) removeQuietly(path);
  }

  #entryPath(key: string): string {
    return join(this.#directory, `${this.#slug}-${key}.json`);
  }

  #indexPath(): string {
    return join(this.#directory, `${this.#slug}.index.json`);
  }

  #readIndex(): Index | null {
    if (this.#index === undefined) this.#index = readCached<Index>(this.#indexPath());
    return this.#index;
  }

  #writeIndex(index: Index): void {
    this.#index = index;
    writeCached(this.#indexPath(), index);
  }
}

function listOrNothing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readCached<T extends { readonly format: number }>(path: string): T | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as T;
    return value.format === CACHE_FORMAT ? value : null;
  } catch {
    return null;
  }
}

/** A full disk or a read-only home must not keep anybody from entering: then there is no cache. */
function writeCached(path: string, value: object): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    makeDirectory(dirname(path));
    writeFileSync(temporary, JSON.stringify(value), { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    removeQuietly(temporary);
  }
}

/** `force` forgives a file that is not there, but not a directory that is none. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Then there is nothing of ours to remove.
  }
}
