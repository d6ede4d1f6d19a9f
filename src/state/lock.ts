// Locks are kernel locks, never pid files: one dies with its holder, however that dies. Node has no flock(2), so util-linux's
// `flock` takes it, and on a Mac our own executable: for a supervisor by exec (the lock lives as long as the process), for a
// short section by a child that holds it while its stdin is open.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { VzshellError } from '../errors.ts';
import { HOLD_LOCK, hostCommand } from '../host/executable.ts';

/** Exit code by which `flock` says that somebody else has the lock. */
const REFUSED = 75;
/** Milliseconds; a day. */
const FOR_EVER = 86_400_000;

export interface LockOptions {
  /** Milliseconds to wait for the holder; 0 asks once. Default: until it is free. */
  readonly wait?: number;
  readonly signal?: AbortSignal;
}

/** The lock is somebody else's. Callers turn it into a sentence that names the holder. */
export class LockRefused extends Error {}

/** The arguments that make `flock` take a lock and then become another program, which holds it till it ends. */
export function flockArgv(path: string, waitMs: number, refusedCode: number): string[] {
  return ['flock', '--no-fork', '-w', String(waitMs / 1000), '-E', String(refusedCode), path];
}

/** Runs `work` while holding the lock on `path`, a file that is created and left. Rejects with LockRefused. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  options.signal?.throwIfAborted();
  const held = await hold(path, options);
  try {
    return await work();
  } finally {
    held.stdin?.end();
    if (held.exitCode === null && held.signalCode === null) await once(held, 'exit');
  }
}

async function hold(path: string, { wait, signal }: LockOptions): Promise<ChildProcess> {
  const [program = '', ...args] = holderArgv(path, wait);
  const child = spawn(
    program,
    args,
    // A session of its own: Ctrl-C in the terminal must not take the lock away in the middle of the work.
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  );
  child.stdin.on('error', () => child.stdin.destroy());
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 1000);
  });
  const abort = (): void => {
    child.kill('SIGKILL');
  };
  signal?.addEventListener('abort', abort);
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('error', (error) => reject(noFlock(error)));
      child.once('close', (code) => {
        if (signal?.aborted === true) reject(signal.reason);
        else if (code === REFUSED) reject(new LockRefused(path));
        else
          reject(
            new VzshellError('ERR_INVALID_STATE', `cannot lock ${path}: ${complaint.trim() || `exit code ${code}`}`),
          );
      });
    });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  return child;
}

/** A program that says with an empty line that it has the lock, and holds it while its standard input is open. */
export function holderArgv(
  path: string,
  wait: number | undefined,
  platform: NodeJS.Platform = process.platform,
): readonly string[] {
  if (platform === 'darwin') {
    return [...hostCommand(), HOLD_LOCK, '--lock', String(wait ?? FOR_EVER), String(REFUSED), path];
  }
  const patience = wait === undefined ? [] : ['-w', String(wait / 1000)];
  return ['flock', '--no-fork', ...patience, '-E', String(REFUSED), path, 'sh', '-c', 'echo; exec cat >/dev/null'];
}

/** `flock` could not be run at all. */
export function noFlock(cause: Error): VzshellError {
  return new VzshellError('ERR_UNSUPPORTED_HOST', "cannot run 'flock', which keeps two VMs off one disk", {
    cause,
    hint: 'install util-linux (apt-get install util-linux)',
  });
}
