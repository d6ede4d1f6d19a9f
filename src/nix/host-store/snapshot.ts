// What the host's store holds, at one moment, as the database of the guest's lower store. It is a copy made by SQLite itself: the
// live file cannot be shared with another kernel, and dumping it and loading it takes a minute where this takes a moment.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson, writeJson } from '../../state/json-file.ts';
import { makeDirectory } from '../../state/paths.ts';
import { readable, SqliteError } from '../../state/sqlite.ts';
import { hackedPaths, type Looking, mayBeHacked } from './case-hack.ts';
import type { HostNix } from './locate.ts';
import { mergeScript, NIX_SCHEMA } from './merge.ts';
import { databaseState, lastingState } from './outdated.ts';
import { sqlite } from './sqlite.ts';
import { Unusable } from './unusable.ts';

/** `current.json` beside the databases. */
export interface Snapshot {
  readonly schema: 1;
  /** Of the host's database when the copy was made; the same state is not copied again. */
  readonly state: string;
  /** Names this copy, and its file. */
  readonly generation: string;
  /** Tells one host store from another. */
  readonly id: string;
  readonly file: string;
  /** Paths of the host that a guest can use, and those that it cannot. */
  readonly paths: number;
  readonly leftOut: number;
  /** Names of lock files in the host's store; a guest could not open them, so it must not see them. */
  readonly locks: readonly string[];
}

/** The guest's image, as far as its store is concerned. */
export interface ImageStore {
  readonly id: string;
  /** Path of the database that the image was built with. */
  readonly database: string;
}

const SCHEMA: Snapshot['schema'] = 1;
/** How often a copy is tried while the database changes under it. */
const ATTEMPTS = 5;
/** Milliseconds after which a copy that is no longer the current one has been taken over by whoever wanted it. */
const LINGER = 10 * 60_000;

/** The snapshot of the host's store as it is now; the last one when nothing has changed. `directory` keeps it. */
export async function snapshotHostStore(
  nix: HostNix,
  image: ImageStore,
  directory: string,
  looking: Looking = {},
): Promise<Snapshot> {
  checkSchema(nix);
  const here = join(directory, hash(`${nix.database} ${nix.store} ${image.id}`));
  const record = join(here, 'current.json');
  const state = databaseState(nix.database);
  const last = readRecord(record);
  if (last !== null && last.state === state && existsSync(last.file)) return last;
  makeDirectory(here);
  const generation = randomBytes(8).toString('hex');
  const file = join(here, `${generation}.sqlite`);
  try {
    const taken = await copyDatabase(nix, file);
    const broken = mayBeHacked(nix) ? await hackedAmong(file, nix, directory, looking) : [];
    const counts = await sqlite(file, mergeScript(image.database, broken.map(storePath)));
    const [paths = 0, leftOut = 0, differing = 0, migrations = 0] =
      counts.trim().split('\n').at(-1)?.split('|').map(Number) ?? [];
    if (differing > 0) {
      throw new Unusable(
        `the host's Nix store has ${differing} of the image's paths with other contents`,
        'use --store image',
      );
    }
    if (migrations > 0) {
      throw new Unusable(
        "the guest's Nix is newer than the host's, and cannot read its database",
        'update Nix on the host',
      );
    }
    const locks = await strayLocks(file, readdirSync(nix.store));
    await putOnDisk(file);
    const id = storeId(nix);
    const snapshot: Snapshot = { schema: SCHEMA, state: taken, generation, id, file, paths, leftOut, locks };
    writeJson(record, snapshot);
    prune(here, generation);
    return snapshot;
  } catch (error) {
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    if (error instanceof SqliteError) {
      const hint = 'look at it with `nix-store --verify`, or use --store image';
      throw new Unusable(`the database of the host's Nix store cannot be copied: ${error.message}`, hint, error);
    }
    const { path = '', message } = error as NodeJS.ErrnoException;
    if (path !== nix.store && !path.startsWith(`${nix.store}/`)) throw error;
    throw new Unusable(
      `the host's Nix store cannot be read: ${message}`,
      'make it readable, or use --store image',
      error,
    );
  }
}

/** Copies the database; gives the state that the copy is of. */
async function copyDatabase(nix: HostNix, to: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const [before, lasting] = [databaseState(nix.database), lastingState(nix.database)];
    const { uri, still } = readable(nix.database);
    rmSync(to, { force: true });
    try {
      await sqlite(uri, `.backup --async main ${JSON.stringify(to)}`);
      if (!still || databaseState(nix.database) === before) return lasting;
    } catch (error) {
      // A lock was waited for already.
      const changed = error instanceof SqliteError && !/locked/.test(error.message);
      if (!changed || attempt === ATTEMPTS) throw error;
    }
    if (attempt === ATTEMPTS) throw new SqliteError('it changes all the time');
  }
}

/** What is in the directory alone may be half of a path; the rows of the copy in `file` are of whole ones. */
async function hackedAmong(file: string, nix: HostNix, directory: string, looking: Looking): Promise<string[]> {
  const names = await sqlite(file, `select substr(path, ${storePath('').length + 1}) from ValidPaths;`);
  const memory = join(directory, `${hash(nix.store)}.names`);
  return hackedPaths(nix.store, names.split('\n').filter(isStoreName), memory, looking);
}

/** After a power cut the record must not name a copy that is not all there. SQLite was told not to wait, neither at the copy nor at the merge. */
async function putOnDisk(file: string): Promise<void> {
  await using handle = await open(file, 'r+');
  await handle.sync();
}

function checkSchema(nix: HostNix): void {
  let found: string;
  try {
    found = readFileSync(join(nix.state, 'db', 'schema'), 'utf8').trim();
  } catch (cause) {
    const why = `the database of the host's Nix store cannot be read: ${(cause as Error).message}`;
    throw new Unusable(why, 'make it readable, or use --store image', cause);
  }
  if (found === NIX_SCHEMA) return;
  const why = `the host's Nix store has schema ${JSON.stringify(found)}, this version of vzshell knows ${NIX_SCHEMA}`;
  throw new Unusable(why, 'use a newer version of vzshell, or --store image');
}

/** Lock files of the host's builds. A store path may be called so as well: `…-Cargo.lock`. */
async function strayLocks(file: string, names: readonly string[]): Promise<string[]> {
  const locks = names.filter((name) => isStoreName(name) && name.endsWith('.lock'));
  if (locks.length === 0) return [];
  const valid = await sqlite(
    `file:${encodeURI(file)}?immutable=1`,
    "select path from ValidPaths where path like '%.lock';",
  );
  const paths = new Set(valid.split('\n'));
  return locks.filter((name) => !paths.has(storePath(name)));
}

/** Two stores at the same place, one after the other or on two machines, are two. */
function storeId(nix: HostNix): string {
  const { dev, ino, birthtimeNs } = statSync(nix.database, { bigint: true });
  return hash(`${nix.database} ${dev} ${ino} ${birthtimeNs}`);
}

function prune(directory: string, current: string): void {
  for (const name of readdirSync(directory)) {
    if (!/\.(sqlite|tmp)/.test(name) || name.startsWith(current)) continue;
    const stat = statSync(join(directory, name), { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > LINGER) rmSync(join(directory, name), { force: true });
  }
}

/** A damaged record is made anew. */
function readRecord(path: string): Snapshot | null {
  try {
    return readJson<Snapshot>(path, SCHEMA);
  } catch {
    return null;
  }
}

function isStoreName(name: string): boolean {
  return /^[0-9a-z]{32}-/.test(name);
}

function storePath(name: string): string {
  return `/nix/store/${name}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
