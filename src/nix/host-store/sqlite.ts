import { runSqlite, SqliteError } from '../../state/sqlite.ts';
import { findProgram } from './locate.ts';
import { Unusable } from './unusable.ts';

/** Bytes of what it may print. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Runs a script on a database of a store. Without the program, that store is unusable. */
export async function sqlite(database: string, script: string): Promise<string> {
  const program = findProgram('sqlite3');
  if (program === null) {
    const hint = 'install it: sudo apt-get install sqlite3 (macOS has it in /usr/bin)';
    throw new Unusable("the program 'sqlite3', which reads the database of the host's Nix store, was not found", hint);
  }
  return runSqlite(program, database, script, { maxOutput: MAX_OUTPUT }).catch((cause: Error) => {
    throw cause instanceof SqliteError ? cause : new Unusable(`cannot run ${program}: ${cause.message}`, '', cause);
  });
}
