// What was built in the guest, for the host's own Nix. It goes through the host's daemon, whose rules count: it takes unsigned paths
// from users that it trusts.

import { execFile, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { escapeLine } from '../../agent/escape.ts';
import { VzshellError } from '../../errors.ts';
import { createCommands } from '../../vm/commands.ts';
import type { CommandContext } from '../../vm/context.ts';
import { STORE_PATH } from '../host-store/closure.ts';
import { locateHostNix } from '../host-store/locate.ts';
import { Unusable } from '../host-store/unusable.ts';

const run = promisify(execFile);
/** Paths that one call of a program gets: the host limits how long a command may be. */
const BATCH = 500;
/** Bytes of what a program says. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Copies paths of the guest and all they refer to, as far as the host lacks them. Gives what was copied. */
export async function copyToHost(context: CommandContext, paths: readonly string[]): Promise<readonly string[]> {
  for (const path of paths) requireStorePath(path);
  const program = await hostProgram();
  const guest = createCommands(context);
  const answer = await guest.exec('nix-store', ['--query', '--requisites', ...paths], { reject: false });
  if (answer.exitCode !== 0) throw failed(`the guest has no '${paths.join(' ')}'`, answer.stderr);
  const closure = lines(answer.stdout);
  for (const path of closure) requireStorePath(path);
  const missing = await lackedBy(program, closure);
  if (missing.length === 0) return [];
  await using sender = await guest.spawn('nix-store', ['--export', ...missing]);
  sender.stdin.end();
  const receiver = spawn(program, ['--import'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [imported, complaint] = [text(receiver.stdout), text(receiver.stderr)];
  const guestComplaint = text(sender.stderr);
  const code = new Promise<number | null>((resolve, reject) => receiver.once('error', reject).once('close', resolve));
  // When the host refuses, it closes the pipe; why is what it said, not that.
  const sent = pipeline(sender.stdout, receiver.stdin).catch(() => undefined);
  const exit = await sender.exited;
  await sent;
  if ((await code) !== 0) throw failed("the host's Nix does not take the paths", await complaint, HINT);
  if (exit.exitCode !== 0) throw failed('the guest could not send the paths', await guestComplaint);
  const arrived = lines(await imported);
  await verify(guest, program, missing, arrived);
  return missing;
}

const HINT = "unsigned paths are taken from those who are in `trusted-users` of the host's nix.conf";

/** The guest is not trusted: what it sent beside what was asked for goes, and what was asked for must be what it says it is. */
async function verify(
  guest: ReturnType<typeof createCommands>,
  program: string,
  asked: readonly string[],
  arrived: readonly string[],
): Promise<void> {
  const extra = arrived.filter((path) => !asked.includes(path));
  if (extra.length > 0) {
    await run(program, ['--delete', ...extra]).catch(() => undefined);
    throw new VzshellError('ERR_NIX', `the guest sent paths that nobody asked for: ${extra.map(escapeLine).join(' ')}`);
  }
  for (let from = 0; from < asked.length; from += BATCH) {
    const some = asked.slice(from, from + BATCH);
    const query = ['--query', '--hash', ...some];
    const [here, there] = await Promise.all([
      run(program, query, { maxBuffer: MAX_OUTPUT }),
      guest.exec('nix-store', query),
    ]);
    if (here.stdout.trim() === there.stdout.trim()) continue;
    throw new VzshellError('ERR_NIX', 'what arrived on the host is not what the guest has', {
      details: { paths: some },
    });
  }
}

async function lackedBy(program: string, paths: readonly string[]): Promise<string[]> {
  const lacked: string[] = [];
  for (let from = 0; from < paths.length; from += BATCH) {
    const args = ['--check-validity', '--print-invalid', ...paths.slice(from, from + BATCH)];
    lacked.push(...lines((await run(program, args, { maxBuffer: MAX_OUTPUT })).stdout));
  }
  return lacked;
}

async function hostProgram(): Promise<string> {
  try {
    return join(dirname((await locateHostNix()).program), 'nix-store');
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    throw new VzshellError('ERR_NIX', `there is no Nix store to copy to: ${error.message}`, { cause: error });
  }
}

function requireStorePath(path: string): void {
  if (STORE_PATH.test(path)) return;
  throw new VzshellError('ERR_INVALID_OPTION', `'${escapeLine(path)}' is no store path`, {
    hint: 'give /nix/store/<hash>-<name>; `nix build --print-out-paths` prints it',
  });
}

async function text(stream: NodeJS.ReadableStream | null): Promise<string> {
  let all = '';
  for await (const chunk of stream ?? []) all = (all + String(chunk)).slice(-MAX_OUTPUT);
  return all;
}

function lines(output: string): string[] {
  return output.split('\n').filter((line) => line !== '');
}

function failed(what: string, said: string, hint?: string): VzshellError {
  const why = escapeLine(said.trim().split('\n').at(-1) ?? '');
  return new VzshellError('ERR_NIX', `${what}: ${why}`, {
    details: { stderr: said },
    ...(hint !== undefined && { hint }),
  });
}
