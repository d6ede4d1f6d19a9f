import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostPathsAmong } from '../../../../src/nix/host-store/closure.ts';
import type { HostNix } from '../../../../src/nix/host-store/locate.ts';
import { type Snapshot, snapshotHostStore } from '../../../../src/nix/host-store/snapshot.ts';
import { Unusable } from '../../../../src/nix/host-store/unusable.ts';
import { scratch } from '../../state/scratch.ts';
import { addPaths, makeImage, makeStore, path, sql } from './database.ts';

let root: string;
let image: string;
beforeEach(() => {
  root = scratch();
  image = makeImage(join(root, 'image'), { bash: ['glibc'], glibc: [] });
});
const environment = { ...process.env };
afterEach(() => {
  for (const name of ['PATH', 'NIX_CONF_DIR']) process.env[name] = environment[name];
  if (environment.NIX_CONF_DIR === undefined) delete process.env.NIX_CONF_DIR;
});

const store = (paths: Readonly<Record<string, readonly string[]>>): HostNix => makeStore(join(root, 'host'), paths);
const take = (nix: HostNix): Promise<Snapshot> =>
  snapshotHostStore(nix, { id: 'image', database: image }, join(root, 'stores'));
const pathsIn = (snapshot: Snapshot): string[] =>
  sql(snapshot.file, 'select path from ValidPaths order by path').split('\n');
const references = (snapshot: Snapshot): string =>
  sql(
    snapshot.file,
    `select substr(a.path, 45) || '>' || substr(b.path, 45) from Refs
     join ValidPaths a on a.id = referrer join ValidPaths b on b.id = reference order by 1`,
  );
/** A file whose time is not of this moment: a change in the same moment could not be seen. */
const settle = (nix: HostNix): void => utimesSync(nix.database, 1_000_000_000, 1_000_000_000);

test("a snapshot has the host's paths and the image's, and their references", async () => {
  const nix = store({ hello: ['libc'], libc: [], glibc: [] });
  const snapshot = await take(nix);
  expect(snapshot).toMatchObject({ paths: 3, leftOut: 0, locks: [] });
  expect(pathsIn(snapshot)).toEqual(['bash', 'glibc', 'hello', 'libc'].map(path));
  expect(references(snapshot)).toBe('bash>glibc\nhello>libc');
  expect(sql(snapshot.file, 'pragma integrity_check; pragma foreign_key_check; pragma journal_mode;')).toBe(
    'ok\ndelete',
  );
});

test('what has not changed is not copied again, what has is', async () => {
  const nix = store({ hello: [] });
  settle(nix);
  const first = await take(nix);
  expect(await take(nix)).toEqual(first);
  addPaths(nix.database, { later: [] });
  const second = await take(nix);
  expect(second.generation).not.toBe(first.generation);
  expect(second).toMatchObject({ id: first.id, paths: 2 });
  // A guest may still be on its way to the older one.
  expect(existsSync(first.file)).toBe(true);
});

test("what lies in the log of a database that somebody has open is part of it, and the host's files stay as they are", async () => {
  const nix = store({ hello: [] });
  const reader = spawn('sqlite3', [nix.database], { stdio: ['pipe', 'pipe', 'inherit'] });
  reader.stdin.write('begin; select count(*) from ValidPaths;\n');
  await once(createInterface(reader.stdout), 'line');
  addPaths(nix.database, { newest: [] });
  const before = readFileSync(nix.database);
  expect(pathsIn(await take(nix))).toContain(path('newest'));
  expect(readFileSync(nix.database).equals(before)).toBe(true);
  expect(existsSync(`${nix.database}-wal`)).toBe(true);
  reader.stdin.end();
  await once(reader, 'exit');
});

test('who may not write beside the database leaves nothing there', async () => {
  const nix = store({ hello: [] });
  chmodSync(dirname(nix.database), 0o555);
  expect((await take(nix)).paths).toBe(1);
  chmodSync(dirname(nix.database), 0o755);
  expect(existsSync(`${nix.database}-wal`)).toBe(false);
  expect(existsSync(`${nix.database}-shm`)).toBe(false);
});

test('paths with renamed files are left out, with all that refers to them', async () => {
  const nix = store({ kernel: [], module: ['kernel'], system: ['module'], hello: [] });
  const hacked = join(nix.store, path('kernel').slice('/nix/store/'.length), 'include');
  mkdirSync(hacked, { recursive: true });
  writeFileSync(join(hacked, 'xt_mark.h~nix~case~hack~1'), '');
  mkdirSync(join(nix.store, path('hello').slice('/nix/store/'.length)));
  const before = await take(nix);
  expect(before.leftOut).toBe(process.platform === 'darwin' ? 3 : 0);

  process.env.NIX_CONF_DIR = root;
  writeFileSync(join(root, 'nix.conf'), 'use-case-hack = true\n');
  addPaths(nix.database, { another: [] });
  const snapshot = await take(nix);
  expect(snapshot).toMatchObject({ paths: 2, leftOut: 3 });
  expect(pathsIn(snapshot)).toEqual(['another', 'bash', 'glibc', 'hello'].map(path));

  // Looked through once: the next time the answer is remembered.
  rmSync(hacked, { recursive: true });
  addPaths(nix.database, { third: [] });
  expect((await take(nix)).leftOut).toBe(3);
  // Whatever image the guest has.
  const directory = join(root, 'stores');
  expect((await snapshotHostStore(nix, { id: 'another', database: image }, directory)).leftOut).toBe(3);
});

test('a path that is not whole yet is looked through when it is', async () => {
  const nix = store({ hello: [] });
  process.env.NIX_CONF_DIR = root;
  writeFileSync(join(root, 'nix.conf'), 'use-case-hack = true\n');
  const half = join(nix.store, path('half').slice('/nix/store/'.length));
  mkdirSync(half);
  writeFileSync(join(half, 'xt_MARK.h'), '');
  expect((await take(nix)).leftOut).toBe(0);
  writeFileSync(join(half, 'xt_mark.h~nix~case~hack~1'), '');
  addPaths(nix.database, { half: [] });
  expect((await take(nix)).leftOut).toBe(1);
});

test('locks of builds are told, store paths that are called so are none', async () => {
  const nix = store({ 'Cargo.lock': [] });
  for (const name of ['Cargo.lock', 'hello.lock']) writeFileSync(join(nix.store, path(name).slice(11)), '');
  expect((await take(nix)).locks).toEqual([path('hello.lock').slice(11)]);
});

test.each<[string, (nix: HostNix) => void, RegExp]>([
  ['of another schema', ({ state }) => writeFileSync(join(state, 'db/schema'), '11'), /has schema "11".* knows 10/],
  [
    'that is damaged',
    ({ database }) => writeFileSync(database, 'no database'.repeat(1000)),
    /cannot be copied: .*not a database/s,
  ],
  [
    'that nobody may read',
    ({ database }) => {
      // The tests may run as root, for whom everything can be read.
      rmSync(database);
      mkdirSync(database);
    },
    /cannot be copied: .*unable to open database file/s,
  ],
  [
    'of a store that is no directory any more',
    (nix) => {
      rmSync(nix.store, { recursive: true });
      writeFileSync(nix.store, '');
    },
    /the host's Nix store cannot be read: ENOTDIR/,
  ],
  [
    'of a store that has vanished',
    ({ store }) => rmSync(store, { recursive: true }),
    /the host's Nix store cannot be read: ENOENT/,
  ],
  [
    'of other contents for a path of the image',
    ({ database }) => {
      addPaths(database, { bash: [] });
      sql(database, `update ValidPaths set hash = 'sha256:other' where path = '${path('bash')}'`);
    },
    /1 of the image's paths with other contents/,
  ],
])('a database %s is not used, and nothing is left of the attempt', async (_, damage, message) => {
  const nix = store({ hello: [] });
  mkdirSync(join(root, 'stores'));
  damage(nix);
  const error = await take(nix).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Unusable);
  expect(String((error as Error).message)).toMatch(message);
  expect((error as Unusable).hint).toMatch(/./);
  expect(
    readdirSync(join(root, 'stores'), { recursive: true }).filter((each) => /sqlite|json/.test(String(each))),
  ).toEqual([]);
});

test('a guest whose Nix would have to change the database is not given it', async () => {
  sql(image, "insert into SchemaMigrations values ('20990101-novelty')");
  await expect(take(store({ hello: [] }))).rejects.toThrow("the guest's Nix is newer than the host's");
});

test('without sqlite3 the reason names it, and what installs it', async () => {
  const nix = store({ hello: [] });
  process.env.PATH = root;
  const error = await take(nix).catch((reason: unknown) => reason as Unusable);
  expect(error).toMatchObject({
    message: expect.stringContaining("'sqlite3'"),
    hint: expect.stringContaining('install'),
  });
});

test('a database that stays locked is not used', async () => {
  const nix = store({ hello: [] });
  const writer = spawn('sqlite3', [nix.database], { stdio: ['pipe', 'pipe', 'inherit'] });
  writer.stdin.write("pragma locking_mode = exclusive; begin immediate; delete from Refs; commit; select 'locked';\n");
  await once(createInterface(writer.stdout), 'line');
  const error = await take(nix).catch((reason: unknown) => reason);
  writer.stdin.end();
  await once(writer, 'exit');
  expect(error).toBeInstanceOf(Unusable);
  expect(String(error)).toMatch(/cannot be copied: .*database is locked/s);
  expect((await take(nix)).paths).toBe(1);
});

test('a locked database is waited for', async () => {
  const nix = store({ hello: [] });
  sql(nix.database, 'pragma journal_mode = delete');
  const writer = spawn('sqlite3', [nix.database], { stdio: ['pipe', 'pipe', 'inherit'] });
  writer.stdin.write("begin exclusive; select 'locked';\n");
  await once(createInterface(writer.stdout), 'line');
  const taken = take(nix);
  writer.stdin.end('commit;\n');
  expect((await taken).paths).toBe(1);
});

test('of the paths that a guest names, those of the host are kept, by the ones that nothing else refers to', async () => {
  const nix = store({ shell: ['tool', 'libc'], tool: ['libc'], libc: [], unused: [], self: ['self'] });
  const { file } = await take(nix);
  const named = [
    ...['shell', 'tool', 'libc', 'bash', 'self'].map(path),
    '/etc/passwd',
    `${path('x')}"; builtins.abort`,
    path('gone'),
  ];
  expect((await hostPathsAmong(named, file, image)).sort()).toEqual(['self', 'shell'].map(path));
});

test('a hundred thousand paths take about a second, and nothing the next time', { timeout: 120_000 }, async () => {
  const nix = store({});
  sql(
    nix.database,
    `pragma synchronous = off;
     with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
     insert into ValidPaths (path, hash, registrationTime, deriver, narSize, sigs)
     select '/nix/store/' || printf('%032d', i) || '-package-' || i || '-1.2.3', 'sha256:' || hex(randomblob(32)), 1,
       '/nix/store/' || printf('%032d', i) || '-package-' || i || '-1.2.3.drv', i, 'cache.example-1:' || hex(randomblob(40)) from n;
     with recursive n(i) as (select 1 union all select i + 1 from n where i < 500000)
     insert or ignore into Refs select 2 + abs(random()) % 99999, 1 + abs(random()) % 99999 from n;
     pragma wal_checkpoint(truncate);`,
  );
  settle(nix);
  const began = performance.now();
  const snapshot = await take(nix);
  const took = performance.now() - began;
  expect(snapshot.paths).toBe(100_000);
  // The same one, so no other was made.
  expect(await take(nix)).toEqual(snapshot);
  console.log(`a snapshot of 100,000 paths took ${Math.round(took)} ms`);
  // Fifty times what it takes on a quiet machine; dump and load took longer than that on it.
  expect(took).toBeLessThan(20_000);
});
