// The creator's side of a start. The supervisor holds a lock for its run directory and one for its volume, exactly as long as it
// lives, however it dies; no pid file could promise that.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { logTail } from '../driver/tail.ts';
import { VzshellError } from '../errors.ts';
import { noFlock } from '../state/lock.ts';
import { cannotKeepState, makeDirectory, runPaths } from '../state/paths.ts';
import { volumeFiles } from '../volume/files.ts';
import { volumeInUse } from '../volume/holder.ts';
import { REFUSED, supervisorCommand } from './command.ts';
import { OwnerPipe } from './owner-pipe.ts';
import { abandonDirectory } from './run-directory.ts';
import type { StartLine, VmRecord, VmSpec } from './spec.ts';

export interface LaunchOptions {
  /** Milliseconds to wait for a VM of the same name that is stopping. */
  readonly wait: number;
  readonly signal?: AbortSignal | undefined;
  readonly onPhase?: (line: Extract<StartLine, { type: 'phase' }>) => void;
}

export interface Launched {
  readonly record: VmRecord;
  /** Null for a detached VM. */
  readonly owner: OwnerPipe | null;
}

/** Starts a supervisor; resolves when its VM is ready. On failure, and on abort, nothing of it stays. */
export async function launch(spec: VmSpec, { wait, signal, onPhase }: LaunchOptions): Promise<Launched> {
  signal?.throwIfAborted();
  const child = spawnSupervisor(spec, wait);
  const pipe = new OwnerPipe(child);
  const abort = (): void => {
    pipe.close();
    // It may still wait for a lock, and would not see the pipe.
    child.kill('SIGTERM');
  };
  signal?.addEventListener('abort', abort);
  try {
    pipe.send(spec);
    const record = await ready(spec, child, pipe, onPhase);
    child.unref();
    pipe.unref();
    if (spec.detached) pipe.close();
    return { record, owner: spec.detached ? null : pipe };
  } catch (error) {
    pipe.close();
    // It cleans up after itself; whoever tries again must not meet it.
    await pipe.processGone;
    // It may not have come so far as to know that the directory goes with it.
    if (spec.ephemeral) rmSync(spec.machine.runDir, { recursive: true, force: true });
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function spawnSupervisor(spec: VmSpec, wait: number): ChildProcess {
  const { runDir } = spec.machine;
  const paths = runPaths({ runs: dirname(runDir) }, basename(runDir));
  const [program = '', ...args] = supervisorCommand(spec, wait);
  let log: number;
  try {
    makeDirectory(runDir);
    log = openSync(paths.log, 'a', 0o600);
  } catch (error) {
    throw cannotKeepState(runDir, error);
  }
  try {
    // A session of its own: the terminal's signals are not for it. No directory of the user's is kept busy.
    return spawn(program, args, {
      cwd: '/',
      detached: true,
      env: supervisorEnvironment(),
      stdio: ['ignore', log, log, 'pipe'],
    });
  } finally {
    closeSync(log);
  }
}

async function ready(
  spec: VmSpec,
  child: ChildProcess,
  pipe: OwnerPipe,
  onPhase: LaunchOptions['onPhase'],
): Promise<VmRecord> {
  const failed = new Promise<never>((_, reject) =>
    child.once('error', (error) => reject(cannotRun(child.spawnfile, error))),
  );
  for (;;) {
    const line = await Promise.race([pipe.next(), failed]);
    if (line === null) throw await died(spec, pipe);
    if (line.type === 'ready') return line.record;
    if (line.type === 'error') throw VzshellError.from(line.error);
    if (line.type === 'exit')
      throw new VzshellError('ERR_VM_STOPPED', `vm '${spec.name}' was stopped while it started`);
    onPhase?.(line);
  }
}

function cannotRun(program: string, cause: Error): VzshellError {
  if (program === 'flock') return noFlock(cause);
  return new VzshellError('ERR_HOST_BINARY', `cannot run ${program}: ${cause.message}`, { cause });
}

/** Why the pipe closed without a word: a lock that was refused, or a supervisor that died. */
async function died(spec: VmSpec, pipe: OwnerPipe): Promise<VzshellError> {
  const { code, signal } = await pipe.processGone;
  if (code === REFUSED.vm) {
    return new VzshellError('ERR_INVALID_STATE', `a vm called '${spec.name}' is running already`, {
      hint: `join it with Vm.connect('${spec.name}'), or stop it with \`vzshell stop ${spec.name}\``,
      details: { name: spec.name },
    });
  }
  if (code === REFUSED.volume) {
    abandonDirectory(spec.machine.runDir);
    return volumeInUse(volumeFiles({ volumes: dirname(spec.volume.path) }, spec.volume.name), spec.volume.name);
  }
  const log = runPaths({ runs: dirname(spec.machine.runDir) }, spec.id).log;
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const tail = logTail(log);
  const message = `the supervisor of vm '${spec.name}' ended ${how} before the VM was ready`;
  return new VzshellError(
    'ERR_VM_START',
    tail === '' ? message : `${message}; its log ends with:\n${tail.replace(/^/gm, '    ')}`,
  );
}

/** No more than what it needs: what else is in a user's environment is not for a process that lives for hours. */
function supervisorEnvironment(): NodeJS.ProcessEnv {
  const wanted =
    /^(PATH|HOME|USER|LOGNAME|LANG|LC_.*|TZ|TMPDIR|XDG_.*|VZSHELL_.*|NIX_(REMOTE|CONF_DIR|STATE_DIR|DAEMON_SOCKET_PATH))$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name)));
}
