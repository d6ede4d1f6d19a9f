// SQLite by its own program: macOS has it, Linux distributions have it, and a native module would need a build for each.

import { spawn } from 'node:child_process';
import { findProgram } from './locate.ts';
import { Unusable } from './unusable.ts';

/** Milliseconds that a database may be locked by somebody else. */
const BUSY = 5000;
/** Bytes of what it may print. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** SQLite's complaint about what it was told to do. */
export class SqliteError extends Error {}

/** Runs a script on a database and gives what it prints. Stops at the first error, which is a `SqliteError`. */
export async function sqlite(database: string, script: string): Promise<string> {
  const program = findProgram('sqlite3');
  if (program === null) {
    const hint = 'install it: sudo apt-get install sqlite3 (macOS has it in /usr/bin)';
    throw new Unusable("the program 'sqlite3', which reads the database of the host's Nix store, was not found", hint);
  }
  const child = spawn(program, ['-batch', '-bail', '-init', '/dev/null', database], { stdio: 'pipe' });
  let output = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > MAX_OUTPUT) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 4096);
  });
  // It ends at the first error, and then the rest of the script has nobody to go to.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`.timeout ${BUSY}\n${script}\n`);
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(new Unusable(`cannot run ${program}: ${cause.message}`, '', cause)));
    child.once('close', (code, signal) => {
      // Some commands of the shell, `.backup` among them, say what is wrong and go on.
      if (code === 0 && !/^(Parse |Runtime )?[Ee]rror/m.test(complaint)) resolve();
      else reject(new SqliteError(complaint.trim() || `sqlite3 ended with ${signal ?? code}`));
    });
  });
  return output;
}

/** A text as SQL writes it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
