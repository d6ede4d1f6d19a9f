// Where state lives: docs/internals.md. One home for everything that must outlive a process.

import { createHash } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { VzshellError } from '../errors.ts';
import { homeDirectory } from './home.ts';

/** Bytes of the longest vsock socket path: sun_path holds 103 and a NUL on macOS, and `_1025` must still fit behind. */
export const MAX_VSOCK_PATH = 98;

export interface StatePaths {
  readonly home: string;
  /** Run directories. Not below `home` when that is too long for a socket's path. */
  readonly runs: string;
  readonly volumes: string;
  readonly envs: string;
  /** Snapshots of the host's Nix store. */
  readonly stores: string;
  readonly locks: string;
}

export interface RunPaths {
  readonly directory: string;
  readonly lock: string;
  readonly spec: string;
  readonly record: string;
  readonly exit: string;
  readonly control: string;
  readonly vsock: string;
  readonly console: string;
  readonly log: string;
  /** Directory of the databases that a guest's lower store has; shared with it. */
  readonly databases: string;
}

/** The id of a VM's run directory: 8 hex digits of its name's sha256. */
export function runId(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}

/** Where the state is. Creates nothing. */
export function statePaths(env: NodeJS.ProcessEnv = process.env): StatePaths {
  const home = stateHome(env);
  const below = join(home, 'run');
  const long = Buffer.byteLength(runPaths({ runs: below }, '00000000').vsock) > MAX_VSOCK_PATH;
  return {
    home,
    // The hash keeps two homes of one user apart.
    runs: long ? join(`/tmp/vzshell-${ownUid()}`, runId(home)) : below,
    volumes: join(home, 'volumes'),
    envs: join(home, 'envs'),
    stores: join(home, 'stores'),
    locks: join(home, 'locks'),
  };
}

function stateHome(env: NodeJS.ProcessEnv): string {
  const given = env.VZSHELL_HOME;
  if (given !== undefined && given !== '') {
    if (isAbsolute(given)) return join(given);
    throw new VzshellError('ERR_INVALID_STATE', `VZSHELL_HOME must be an absolute path, got '${given}'`);
  }
  const home = homeDirectory();
  if (isAbsolute(home)) return join(home, '.vzshell');
  throw new VzshellError('ERR_INVALID_STATE', 'there is no home directory to keep state in: HOME is not set', {
    hint: 'set VZSHELL_HOME to a directory of your own',
  });
}

/** Not `userInfo()`: in a container a user need not have an entry in /etc/passwd. */
function ownUid(): number {
  return process.getuid?.() ?? -1;
}

/** The files of one run directory. */
export function runPaths(paths: Pick<StatePaths, 'runs'>, id: string): RunPaths {
  const directory = join(paths.runs, id);
  return {
    directory,
    lock: join(directory, 'lock'),
    spec: join(directory, 'spec.json'),
    record: join(directory, 'vm.json'),
    exit: join(directory, 'exit.json'),
    control: join(directory, 'control.sock'),
    vsock: join(directory, 'vsock.sock'),
    console: join(directory, 'console.log'),
    log: join(directory, 'supervisor.log'),
    databases: join(directory, 'nix-db'),
  };
}

/** Creates the directories, 0700, and refuses a place that somebody else could write to. */
export function prepareState(paths: StatePaths): void {
  ownDirectory(paths.home);
  if (!paths.runs.startsWith(`${paths.home}/`)) ownDirectory(join(paths.runs, '..'));
  for (const directory of [paths.runs, paths.volumes, paths.envs, paths.locks]) ownDirectory(directory);
}

function ownDirectory(path: string): void {
  try {
    makeDirectory(path);
  } catch (error) {
    throw cannotKeepState(path, error);
  }
  const stat = statSync(path);
  if (stat.uid !== ownUid()) {
    throw new VzshellError('ERR_INVALID_STATE', `cannot keep state in ${path}: it belongs to uid ${stat.uid}`, {
      hint: 'set VZSHELL_HOME to a directory of your own',
    });
  }
  if ((stat.mode & 0o022) !== 0) {
    const mode = (stat.mode & 0o7777).toString(8);
    throw new VzshellError('ERR_INVALID_STATE', `cannot keep state in ${path}: others may write to it (mode ${mode})`, {
      hint: `chmod 700 ${path}, or set VZSHELL_HOME to another directory`,
    });
  }
}

/**
 * Makes a directory and its parents. Step by step: Node's own `recursive` never returns where the kernel says ENOENT below a
 * directory that is there, as in /proc.
 */
export function makeDirectory(path: string, mode: number = 0o700): void {
  try {
    makeOne(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path), mode);
    makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/** A failed write below the state directory, in the words of someone who has to fix it. */
export function cannotKeepState(path: string, error: unknown): VzshellError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why: Record<string, string> = {
    EROFS: 'the file system is read-only',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ENOSPC: 'the disk is full',
    EDQUOT: 'your disk quota is used up',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'it is a file',
  };
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new VzshellError('ERR_INVALID_STATE', `cannot write ${path}: ${why[code ?? ''] ?? message}`, {
    cause: error,
    hint: full
      ? 'free some space, or set VZSHELL_HOME to a directory on another disk'
      : 'set VZSHELL_HOME to a directory that you can write to',
    details: { path, errno: code ?? null },
  });
}
