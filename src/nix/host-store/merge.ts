// From a copy of the host's database to the one that the guest's lower store has: without what a guest cannot use, and with what
// the image holds.

import { quote } from '../../state/sqlite.ts';

/** Version of Nix's database that is understood, on the host as in the guest. */
export const NIX_SCHEMA = '10';

/**
 * The script that turns a copy of the host's database into the guest's. `broken` are the store paths whose contents a guest would
 * see under other names; what refers to them goes as well, because Nix wants closures whole. Prints the number of the host's paths
 * that are left, of those left out, of those that the image has with other contents, and of the changes to the schema that the guest's Nix would
 * have to make to a database that it cannot write to.
 */
export function mergeScript(imageDatabase: string, broken: readonly string[]): string {
  return `
pragma foreign_keys = off;
pragma synchronous = off;
pragma journal_mode = off;
attach ${quote(`file:${encodeURI(imageDatabase)}?immutable=1`)} as image;
begin;
create table if not exists SchemaMigrations (migration text primary key not null);
create temp table broken(id integer primary key);
create temp table named(path text);
${rows('named', broken)}
with recursive lost(id) as (
  select v.id from named join ValidPaths v on v.path = named.path
  union select r.referrer from Refs r join lost on r.reference = lost.id)
insert into broken select id from lost;
select (select count(*) from ValidPaths) - (select count(*) from broken), (select count(*) from broken),
  (select count(*) from ValidPaths v join image.ValidPaths i on i.path = v.path where i.hash <> v.hash),
  (select count(*) from image.SchemaMigrations i where i.migration not in (select migration from SchemaMigrations));
delete from Refs where referrer in (select id from broken);
delete from DerivationOutputs where drv in (select id from broken);
delete from ValidPaths where id in (select id from broken);
insert into ValidPaths (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca)
  select path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca from image.ValidPaths where true
  on conflict (path) do nothing;
insert or ignore into Refs (referrer, reference)
  select a.id, b.id from image.Refs r
  join image.ValidPaths p on p.id = r.referrer join image.ValidPaths q on q.id = r.reference
  join ValidPaths a on a.path = p.path join ValidPaths b on b.path = q.path;
insert or ignore into DerivationOutputs (drv, id, path)
  select v.id, o.id, o.path from image.DerivationOutputs o
  join image.ValidPaths p on p.id = o.drv join ValidPaths v on v.path = p.path;
commit;
`;
}

/** Statements that fill a table of one column; SQLite limits how many rows one may have. */
export function rows(table: string, values: readonly string[]): string {
  const statements: string[] = [];
  for (let from = 0; from < values.length; from += 500) {
    const some = values.slice(from, from + 500).map((value) => `(${quote(value)})`);
    statements.push(`insert into ${table} values ${some.join(',')};`);
  }
  return statements.join('\n');
}
