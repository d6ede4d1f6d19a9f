// The content of everything that a dev shell is made of, as one hash. Entering a dev shell computes it every time, so what has
// not changed is not read again: a file is known by path, mtime, size and inode, a directory by mtime and inode. A time stamp
// younger than the look at it proves nothing (two writes may fall into one tick of the clock), so those are read once more.

import { createHash } from 'node:crypto';
import { type BigIntStats, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { globToRegExp, isPlainPath } from './glob.ts';

/** Limits of the walk: a file beyond them is not watched, and no project makes entering slow. */
const LIMITS = { depth: 6, directories: 2000, files: 2000 };
/** Milliseconds by which a time stamp must be older than the look at it to be believed; some file systems count in seconds. */
const TICK = 2000;
const SKIPPED_DIRECTORY = /^(?:\..*|node_modules|result(?:-.*)?|build|target|dist|outputs|__pycache__)$/;
/** Read by evaluation in so many projects that nobody should have to name them. */
const ALWAYS = ['flake.lock', 'devshell.toml', 'rust-toolchain', 'rust-toolchain.toml'];

/** What is remembered between two looks with the same `watch`, by path relative to the root. */
export interface Memo {
  readonly directories: Readonly<
    Record<string, { readonly stamp: string; readonly seen: number; readonly names: Listing }>
  >;
  readonly files: Readonly<Record<string, { readonly stamp: string; readonly seen: number; readonly hash: string }>>;
}

interface Listing {
  readonly directories: readonly string[];
  readonly files: readonly string[];
}

export interface Fingerprint {
  readonly digest: string;
  /** The same without flake.lock, which an evaluation may write by itself. */
  readonly digestWithoutLock: string;
  readonly memo: Memo;
  /** Whether `memo` differs from the one that was given. */
  readonly changed: boolean;
}

export const EMPTY_MEMO: Memo = { directories: {}, files: {} };

/** Hashes `*.nix`, the lock file and what `watch` names, below `root`. `now` is the time of the look in milliseconds. */
export function fingerprint(
  root: string,
  watch: readonly string[],
  before: Memo,
  now: number = Date.now(),
): Fingerprint {
  const look = new Look(root, watch, before, now);
  const { digest, digestWithoutLock } = look.digests();
  return {
    digest,
    digestWithoutLock,
    memo: { directories: look.directories, files: look.files },
    changed: look.changed,
  };
}

class Look {
  readonly directories: Record<string, Memo['directories'][string]> = {};
  readonly files: Record<string, Memo['files'][string]> = {};
  changed = false;
  readonly #root: string;
  readonly #before: Memo;
  readonly #now: number;
  readonly #plain: readonly string[];
  readonly #patterns: readonly RegExp[];

  constructor(root: string, watch: readonly string[], before: Memo, now: number) {
    this.#root = root;
    this.#before = before;
    this.#now = now;
    this.#plain = [...ALWAYS, ...watch.filter(isPlainPath).map((path) => path.replace(/^\.\//, ''))];
    this.#patterns = watch.filter((glob) => !isPlainPath(glob)).map(globToRegExp);
  }

  digests(): { digest: string; digestWithoutLock: string } {
    const paths = new Set(this.#plain);
    for (const path of this.#walk()) paths.add(path);
    const digest = createHash('sha256');
    const withoutLock = createHash('sha256');
    for (const path of [...paths].sort()) {
      const hash = this.#hash(path);
      if (hash === null) continue;
      const line = `${JSON.stringify(path)} ${hash}\n`;
      digest.update(line);
      if (path !== 'flake.lock') withoutLock.update(line);
    }
    for (const kind of ['directories', 'files'] as const) {
      this.changed ||= Object.keys(this.#before[kind]).length !== Object.keys(this[kind]).length;
    }
    return { digest: digest.digest('hex'), digestWithoutLock: withoutLock.digest('hex') };
  }

  /** Breadth first and in order, so that the limits cut off the same files every time. */
  *#walk(): Generator<string> {
    let level = [''];
    let visited = 0;
    let found = 0;
    for (let depth = 0; depth <= LIMITS.depth && level.length > 0; depth++) {
      const next: string[] = [];
      for (const directory of level) {
        if (visited++ >= LIMITS.directories) return;
        const listing = this.#list(directory);
        const below = (name: string): string => (directory === '' ? name : `${directory}/${name}`);
        for (const path of listing.files.map(below)) {
          if (!path.endsWith('.nix') && !this.#patterns.some((pattern) => pattern.test(path))) continue;
          if (found++ >= LIMITS.files) return;
          yield path;
        }
        next.push(...listing.directories.map(below));
      }
      level = next;
    }
  }

  #list(path: string): Listing {
    const stat = this.#stat(path);
    if (stat === null) return { directories: [], files: [] };
    const stamp = `${stat.mtimeNs} ${stat.ino}`;
    const known = this.#before.directories[path];
    const usable = known?.stamp === stamp && settled(stat, known.seen) ? known : undefined;
    const names = usable?.names ?? this.#read(path);
    this.changed ||= usable === undefined;
    this.directories[path] = usable ?? { stamp, seen: this.#now, names };
    return names;
  }

  #read(path: string): Listing {
    const directories: string[] = [];
    const files: string[] = [];
    try {
      for (const entry of readdirSync(join(this.#root, path), { withFileTypes: true })) {
        if (entry.isDirectory()) {
          if (!SKIPPED_DIRECTORY.test(entry.name)) directories.push(entry.name);
        } else if (this.#patterns.length > 0 || entry.name.endsWith('.nix')) {
          files.push(entry.name);
        }
      }
    } catch {
      // A directory that may not be read cannot take part in an evaluation by the same user either.
    }
    return { directories: directories.sort(), files: files.sort() };
  }

  #hash(path: string): string | null {
    const stat = this.#stat(path);
    if (stat === null || !stat.isFile()) return null;
    const stamp = `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
    const known = this.#before.files[path];
    if (known?.stamp === stamp && settled(stat, known.seen)) {
      this.files[path] = known;
      return known.hash;
    }
    this.changed = true;
    let hash: string;
    try {
      hash = createHash('sha256')
        .update(readFileSync(join(this.#root, path)))
        .digest('hex');
    } catch {
      return 'unreadable';
    }
    this.files[path] = { stamp, seen: this.#now, hash };
    return hash;
  }

  #stat(path: string): BigIntStats | null {
    try {
      return statSync(join(this.#root, path), { bigint: true, throwIfNoEntry: false }) ?? null;
    } catch {
      return null;
    }
  }
}

/** Whether a time stamp had stopped moving when it was seen. */
function settled(stat: BigIntStats, seen: number): boolean {
  return Number(stat.mtimeNs / 1_000_000n) < seen - TICK;
}
