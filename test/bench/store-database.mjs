// A host's Nix store of any size as far as vzshell looks at it before a machine starts: the database, made by Nix and filled with rows as
// long as real ones, and a directory with an entry for each path.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** How many other paths one refers to, about as in a store that NixOS or a few dev shells have filled. */
const REFERENCES = 6;

/** Runs a script of SQL and gives what it prints. */
export function sql(database, script) {
  return execFileSync('sqlite3', ['-batch', '-bail', database], {
    input: script,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
}

/** Makes a store of `count` paths below `root`, each a directory of `files` files; with none, a file. What `locateHostNix` would find. */
export function makeStore(root, count, files = 0) {
  const store = path.join(root, 'nix/store');
  const state = path.join(root, 'nix/var/nix');
  const database = path.join(state, 'db/db.sqlite');
  execFileSync('nix-store', ['--init'], { env: { ...process.env, NIX_REMOTE: `local?root=${root}` }, stdio: 'pipe' });
  sql(database, rows(count));
  for (const line of sql(database, 'select substr(path, 12) from ValidPaths;').trim().split('\n')) {
    const entry = path.join(store, line);
    if (files === 0) writeFileSync(entry, '');
    else makeEntry(entry, files);
  }
  return { store, state, database, program: '/usr/bin/nix-store' };
}

/** A package's tree: `bin`, `lib` and `share/doc` hold its files. */
function makeEntry(entry, files) {
  const folders = ['bin', 'lib', 'share/doc'].map((name) => path.join(entry, name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (let file = 0; file < files; file++) writeFileSync(path.join(folders[file % folders.length], `file-${file}`), '');
}

/** Adds one more path to a store of `makeStore`. */
export function addPath({ store, database }) {
  const name = sql(database, `${rows(1)} select substr(path, 12) from ValidPaths order by id desc limit 1;`).trim();
  writeFileSync(path.join(store, name), '');
}

function rows(count) {
  const digits = (bytes) => `lower(hex(randomblob(${bytes})))`;
  return `pragma synchronous = off;
begin;
create temp table first as select coalesce(max(id), 0) as id from ValidPaths;
with recursive each(n) as (select 1 union all select n + 1 from each where n < ${count})
insert into ValidPaths (path, hash, registrationTime, deriver, narSize, ultimate, sigs)
  select '/nix/store/' || ${digits(16)} || '-package-of-the-bench-' || n || '-1.2.3', 'sha256:' || ${digits(32)}, 1700000000,
    '/nix/store/' || ${digits(16)} || '-package-of-the-bench-' || n || '-1.2.3.drv', abs(random() % 10000000), null,
    'cache.nixos.org-1:' || ${digits(44)} from each;
insert or ignore into Refs (referrer, reference)
  with recursive each(n) as (select 1 union all select n + 1 from each where n < ${REFERENCES})
  select id, 1 + abs(random() % id) from ValidPaths, each where id > (select id from first);
insert into DerivationOutputs (drv, id, path)
  select id, 'out', '/nix/store/' || ${digits(16)} || '-an-output' from ValidPaths where id > (select id from first) and id % 3 = 0;
drop table first;
commit;
`;
}
