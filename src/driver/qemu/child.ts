// A program of the machine: it dies with this process, its stderr is a bounded log, and it is done when its last output is
// written there.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { RotatingLog } from '../rotating-log.ts';
import { logTail } from '../tail.ts';

/** Bytes of a child's log; its predecessor may have as many. */
const MAX_LOG = 256 * 1024;

// PR_SET_PDEATHSIG is about the future: a supervisor that died before it was set is noticed by the changed parent.
const STILL_OURS = '[ "$PPID" = "$0" ] && exec "$@"';

export interface ChildOptions {
  readonly name: string;
  readonly setpriv: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly log: string;
  /** Where the standard output goes; without it, to the log. */
  readonly output?: RotatingLog;
  /** Gives the program a socket as descriptor 3, our end of which is `channel`. */
  readonly channel?: boolean;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  /** 0 when it could not be started at all; `exit` says so then. */
  readonly pid: number;
  readonly log: string;
  readonly channel: Duplex | null;
  /** Never rejects. Settles when the program is gone and all it wrote is in its log. */
  readonly exit: Promise<ChildExit>;
  running(): boolean;
  /** SIGKILL for the program and all that it forked. */
  kill(): void;
}

/** Starts a program. It is killed by the kernel when the thread that calls this dies: call it from the main thread. */
export function startChild(options: ChildOptions): Child {
  const log = new RotatingLog(options.log, MAX_LOG);
  const child = spawn(
    options.setpriv,
    ['--pdeathsig', 'KILL', '--', '/bin/sh', '-c', STILL_OURS, String(process.pid), ...options.argv],
    {
      cwd: options.cwd,
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe', options.channel === true ? 'pipe' : 'ignore'],
      // A group of its own: Ctrl-C in a terminal is not for it, and `kill` reaches what it forked.
      detached: true,
    },
  );
  const output = options.output;
  drain(child.stdout, output ?? log);
  drain(child.stderr, log);
  let running = child.pid !== undefined;
  const exit = ended(child, log).then((result) => {
    running = false;
    log.close();
    output?.close();
    return result;
  });
  return {
    name: options.name,
    pid: child.pid ?? 0,
    log: options.log,
    channel: options.channel === true ? ((child.stdio[3] as Duplex | undefined) ?? null) : null,
    exit,
    running: () => running,
    kill: () => {
      if (running && child.pid !== undefined) killGroup(child.pid);
    },
  };
}

/** How a child ended, as half a sentence, with the last line of its log. */
export function describeExit(child: Child, exit: ChildExit): string {
  const how = exit.signal === null ? `exited with status ${exit.code}` : `was killed by ${exit.signal}`;
  const last = logTail(child.log, 1);
  return last === '' ? how : `${how} (${last})`;
}

function ended(child: ChildProcess, log: RotatingLog): Promise<ChildExit> {
  return new Promise((resolve) => {
    // virtiofsd forks into its namespaces: a worker whose parent was killed would hold the log open, and live on.
    child.once('exit', () => killGroup(child.pid as number));
    child.once('error', (error) => {
      log.write(Buffer.from(`${error.message}\n`));
      if (child.pid === undefined) resolve({ code: 127, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function drain(stream: Readable | null | undefined, log: RotatingLog): void {
  // A process that could not be started for want of descriptors has no streams.
  if (stream === null || stream === undefined) return;
  stream.on('data', (chunk: Buffer) => log.write(chunk));
  // A socket's other end that dies with unread bytes is a reset here; all that it wrote has been read by then.
  stream.on('error', () => stream.destroy());
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

function childEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'LD_LIBRARY_PATH'];
  const inherited = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  // Messages are matched and shown: English, whatever the user's locale.
  return { ...Object.fromEntries(inherited), LC_ALL: 'C.UTF-8' };
}
