import { quote } from '../../state/sqlite.ts';
import { rows } from './merge.ts';
import { sqlite } from './sqlite.ts';

/** What a path of a store looks like. Nothing else becomes part of an expression, or of a command. */
export const STORE_PATH: RegExp = /^\/nix\/store\/[0-9a-z]{32}-[0-9A-Za-z+._?=-]{1,211}$/;

/**
 * Those of `paths` that the snapshot `database` has from the host and not from the image, less those that another of them refers
 * to: keeping the others keeps these. `paths` come from the guest, so all that is believed of them is what the snapshot says.
 */
export async function hostPathsAmong(
  paths: readonly string[],
  database: string,
  imageDatabase: string,
): Promise<string[]> {
  const proper = [...new Set(paths)].filter((path) => STORE_PATH.test(path));
  const output = await sqlite(
    ':memory:',
    `
attach ${quote(`file:${encodeURI(database)}?immutable=1`)} as store;
attach ${quote(`file:${encodeURI(imageDatabase)}?immutable=1`)} as image;
create table named(path text primary key) without rowid;
${rows('named', proper)}
create table used(id integer primary key, path text);
insert into used select v.id, v.path from named join store.ValidPaths v on v.path = named.path
  where v.path not in (select path from image.ValidPaths);
select path from used where id not in
  (select r.reference from store.Refs r join used on used.id = r.referrer where r.reference <> r.referrer);
`,
  );
  return output.split('\n').filter((path) => STORE_PATH.test(path));
}
