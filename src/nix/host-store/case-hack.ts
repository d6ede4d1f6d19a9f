// On a Mac, Nix renames files whose names differ only in case, `README~nix~case~hack~1`, so that both fit on its file system. A
// guest would see the wrong name: such paths are left out of what it is told of. Names in a store path never change, so each path
// is looked through once; the first time, with a big store, that takes many seconds.

import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeText } from '../../state/json-file.ts';
import type { HostNix } from './locate.ts';

const MARK = '~nix~case~hack~';
/** Directories that are read before others get their turn. */
const BATCH = 200;
/** Milliseconds between two pieces of news. */
const NEWS = 100;

/** Somebody who waits for the store to be looked through. */
export interface Looking {
  readonly signal?: AbortSignal;
  /** How many of the paths that nobody has looked through yet are done. */
  readonly onLooked?: (done: number, all: number) => void;
}

/** Whether this store may hold renamed files. A Mac's Nix renames on every file system, also where it need not. */
export function mayBeHacked(nix: HostNix, env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.platform === 'darwin' || ignoresCase(nix.store)) return true;
  const files = [join(env.NIX_CONF_DIR || '/etc/nix', 'nix.conf')];
  const texts = [...files.map(readText), env.NIX_CONFIG ?? ''];
  return texts.some((text) => /^\s*use-case-hack\s*=\s*true\s*$/m.test(text));
}

/** Whether the store's file system takes two spellings of a name for one. */
export function ignoresCase(store: string): boolean {
  const other = store.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  try {
    const [one, two] = [statSync(store, { bigint: true }), statSync(other, { bigint: true })];
    return one.dev === two.dev && one.ino === two.ino;
  } catch {
    return false;
  }
}

/**
 * Those of the store's entries `names` that hold a renamed file. `memory` is a file that remembers what was looked through, so what
 * is not complete yet must not be among them. When it is called off, what is done stays done.
 */
export async function hackedPaths(
  store: string,
  names: readonly string[],
  memory: string,
  { signal, onLooked }: Looking = {},
): Promise<string[]> {
  const known = recall(memory);
  const unknown = names.filter((name) => !known.has(name));
  let [looked, read, told] = [0, 0, Number.NEGATIVE_INFINITY];
  const breathe = async (): Promise<void> => {
    read += 1;
    if (read % BATCH !== 0) return;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    if (performance.now() - told < NEWS) return;
    told = performance.now();
    onLooked?.(looked, unknown.length);
  };
  try {
    for (const name of unknown) {
      known.set(name, await isHacked(store, name, breathe));
      looked += 1;
    }
  } finally {
    // What has been deleted on the host is forgotten, or the file would grow for ever.
    const now = new Map(names.flatMap((name) => (known.has(name) ? [[name, known.get(name) === true] as const] : [])));
    if (looked > 0 || now.size !== known.size) remember(memory, now);
  }
  return names.filter((name) => known.get(name) === true);
}

/** `breathe` is called after each directory that was read. */
async function isHacked(store: string, name: string, breathe: () => Promise<void>): Promise<boolean> {
  if (name.includes(MARK)) return true;
  // A derivation is one file, and of a Mac's paths they are half.
  const left = name.endsWith('.drv') ? [] : [join(store, name)];
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    for (const entry of entriesOf(directory)) {
      if (entry.name.includes(MARK)) return true;
      if (entry.isDirectory()) left.push(join(directory, entry.name));
    }
    await breathe();
  }
  return false;
}

/** Nothing for what is a file, or was just deleted. */
function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (/^(ENOTDIR|ENOENT)$/.test((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** A line a path, those with renamed files behind a `!`. */
function recall(memory: string): Map<string, boolean> {
  const lines = readText(memory).split('\n').slice(0, -1);
  return new Map(lines.map((line) => (line.startsWith('!') ? [line.slice(1), true] : [line, false])));
}

function remember(memory: string, paths: ReadonlyMap<string, boolean>): void {
  writeText(memory, [...paths].map(([name, hacked]) => `${hacked ? '!' : ''}${name}\n`).join(''));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
