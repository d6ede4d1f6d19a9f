// Databases of Nix stores, made with its own schema: what a test says is there, and nothing on the disk for it.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostNix } from '../../../../src/nix/host-store/locate.ts';

/** Tables as Nix 2.8 to 2.3x makes them. */
const TABLES = `
pragma journal_mode = wal;
create table ValidPaths (id integer primary key autoincrement not null, path text unique not null, hash text not null,
  registrationTime integer not null, deriver text, narSize integer, ultimate integer, sigs text, ca text);
create table Refs (referrer integer not null, reference integer not null, primary key (referrer, reference),
  foreign key (referrer) references ValidPaths(id) on delete cascade,
  foreign key (reference) references ValidPaths(id) on delete restrict);
create index IndexReferrer on Refs(referrer);
create index IndexReference on Refs(reference);
create trigger DeleteSelfRefs before delete on ValidPaths
  begin delete from Refs where referrer = old.id and reference = old.id; end;
create table DerivationOutputs (drv integer not null, id text not null, path text not null, primary key (drv, id),
  foreign key (drv) references ValidPaths(id) on delete cascade);
create index IndexDerivationOutputs on DerivationOutputs(path);
`;

export function sql(database: string, script: string): string {
  return execFileSync('sqlite3', ['-batch', database], { input: script, encoding: 'utf8', maxBuffer: 2 ** 28 }).trim();
}

/** The path of a name: 32 digits in place of a hash, and they need not differ. */
export function path(name: string): string {
  return `/nix/store/${'0'.repeat(32)}-${name}`;
}

/** A store in \`root\` whose database has these paths, each with the names that it refers to. */
export function makeStore(root: string, paths: Readonly<Record<string, readonly string[]>>): HostNix {
  const [store, state] = [join(root, 'nix/store'), join(root, 'nix/var/nix')];
  mkdirSync(store, { recursive: true });
  mkdirSync(join(state, 'db'), { recursive: true });
  writeFileSync(join(state, 'db/schema'), '10');
  const database = join(state, 'db/db.sqlite');
  sql(database, TABLES);
  addPaths(database, paths);
  return { store, state, database, program: '/usr/bin/nix-store' };
}

export function addPaths(database: string, paths: Readonly<Record<string, readonly string[]>>): void {
  const rows = Object.keys(paths).map((name) => `('${path(name)}', 'sha256:${name}', 1, 1)`);
  const refs = Object.entries(paths).flatMap(([name, to]) => to.map((other) => [name, other] as const));
  const id = (name: string): string => `(select id from ValidPaths where path = '${path(name)}')`;
  const inserted = refs.map(([from, to]) => `insert into Refs values (${id(from)}, ${id(to)});`);
  sql(
    database,
    `${rows.length === 0 ? '' : `insert into ValidPaths (path, hash, registrationTime, narSize) values ${rows.join(',')};`}
${inserted.join('\n')}`,
  );
}

/** The database of an image's store. */
export function makeImage(root: string, paths: Readonly<Record<string, readonly string[]>>): string {
  const { database } = makeStore(root, paths);
  sql(database, 'create table SchemaMigrations (migration text primary key not null); pragma journal_mode = delete;');
  return database;
}
