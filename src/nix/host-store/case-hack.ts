// On a Mac, Nix renames files whose names differ only in case, `README~nix~case~hack~1`, so that both fit on its file system. A
// guest would see the wrong name: such paths are left out of what it is told of. Names in a store path never change, so each path
// is looked through once.

import { type Dirent, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostNix } from './locate.ts';

const MARK = '~nix~case~hack~';
/** Directories that are read before others get their turn. */
const BATCH = 200;

/** Whether this store may hold renamed files. */
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

/** Those of the store's entries `names` that hold a renamed file. `memory` is a file that remembers what was looked through. */
export async function hackedPaths(store: string, names: readonly string[], memory: string): Promise<string[]> {
  const known = recall(memory);
  const unknown = names.filter((name) => !known.has(name));
  for (const name of unknown) known.set(name, await isHacked(join(store, name), name));
  // What has been deleted on the host is forgotten, or the file would grow for ever.
  const now = new Map(names.map((name) => [name, known.get(name) === true]));
  if (unknown.length > 0 || now.size !== known.size) remember(memory, now);
  return names.filter((name) => now.get(name) === true);
}

async function isHacked(path: string, name: string): Promise<boolean> {
  const left = name.includes(MARK) ? [] : [path];
  if (left.length === 0) return true;
  for (let read = 0; left.length > 0; read += 1) {
    if (read % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
    const directory = left.pop() ?? path;
    for (const entry of entriesOf(directory)) {
      if (entry.name.includes(MARK)) return true;
      if (entry.isDirectory()) left.push(join(directory, entry.name));
    }
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
  const lines = [...paths].map(([name, hacked]) => `${hacked ? '!' : ''}${name}\n`);
  const temporary = `${memory}.${process.pid}.tmp`;
  writeFileSync(temporary, lines.join(''), { mode: 0o600 });
  renameSync(temporary, memory);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
