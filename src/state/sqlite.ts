// SQLite by its own program: macOS has it, Linux distributions have it, and a native module would need a build for each.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Milliseconds that a database may be locked by somebody else. */
const BUSY = 5000;

/** SQLite's complaint about what it was told to do. */
export class SqliteError extends Error {}

export interface SqliteOptions {
  /** Bytes of what it may print. */
  readonly maxOutput: number;
  /** Rows as one JSON array. */
  readonly json?: boolean;
}

/**
 * Runs a script on a database and gives what it prints. Stops at the first error, which is a `SqliteError`; any other says that
 * `program` could not be run.
 */
export async function runSqlite(
  program: string,
  database: string,
  script: string,
  { maxOutput, json = false }: SqliteOptions,
): Promise<string> {
  const flags = ['-batch', '-bail', '-init', '/dev/null', ...(json ? ['-json'] : [])];
  const child = spawn(program, [...flags, database], { stdio: 'pipe' });
  let output = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > maxOutput) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 4096);
  });
  // It ends at the first error, and then the rest of the script has nobody to go to.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`.timeout ${BUSY}\n${script}\n`);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      // Some commands of the shell, `.backup` among them, say what is wrong and go on.
      if (code === 0 && !/^(Parse |Runtime )?[Ee]rror/m.test(complaint)) resolve();
      else reject(new SqliteError(complaint.trim() || `sqlite3 ended with ${signal ?? code}`));
    });
  });
  return output;
}

/** How somebody else's database is opened to be read. `still`: what is read is right only if the file did not change meanwhile. */
export function readable(database: string): { readonly uri: string; readonly still: boolean } {
  // A log that is there must be read. Where there is none nobody has the database open, and who may not write in its directory
  // can read it only as a file that does not change.
  const still = !existsSync(`${database}-wal`);
  return { uri: `file:${encodeURI(database)}?${still ? 'immutable=1' : 'mode=ro'}`, still };
}

/** A text as SQL writes it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
