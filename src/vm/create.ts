import { join } from 'node:path';
import { VzshellError } from '../errors.ts';
import { progressNote } from '../image/progress.ts';
import { LockRefused, withLock } from '../state/lock.ts';
import { prepareState, runId, type StatePaths, statePaths } from '../state/paths.ts';
import { type Launched, launch } from '../supervisor/launch.ts';
import { running } from './connect.ts';
import { planVm } from './machine-spec.ts';
import { type ResolvedOptions, resolveOptions } from './options.ts';
import type { StartProgress, VmOptions } from './types.ts';
import { Vm } from './vm.ts';

/** Milliseconds that a VM of the same name gets to finish its stop: the guest's ten seconds, and the driver's. */
const STOP_PATIENCE = 15_000;

/** Starts a VM of this name. A name that is in use is refused. */
export async function create(options: VmOptions): Promise<Vm> {
  const { signal } = options;
  signal?.throwIfAborted();
  const resolved = resolveOptions(options);
  const paths = statePaths();
  prepareState(paths);
  const start = (): Promise<Vm> => startVm(resolved, options, paths);
  const { name } = resolved;
  if (name === null) return start();
  try {
    return await withLock(startLock(paths, runId(name)), { wait: 0, ...(signal && { signal }) }, async () => {
      if ((await running(paths, runId(name))) !== null) throw nameTaken(name);
      return start();
    });
  } catch (error) {
    if (!(error instanceof LockRefused)) throw error;
    throw new VzshellError('ERR_INVALID_STATE', `vm '${name}' is being started by another process`, {
      hint: `wait for it and use Vm.connect('${name}'), or choose another name`,
    });
  }
}

/** The mutex of all starts of one name: who waits for it finds the VM running, or starts it. */
export function startLock(paths: StatePaths, id: string): string {
  return join(paths.locks, `${id}.start`);
}

/** Starts a VM whose start lock the caller has, unless it has a random name. */
export async function startVm(resolved: ResolvedOptions, options: VmOptions, paths: StatePaths): Promise<Vm> {
  const { signal, onProgress } = options;
  const began = performance.now();
  const report = (phase: StartProgress['phase'], note?: string): void => {
    onProgress?.({ phase, elapsed: performance.now() - began, ...(note !== undefined && { note }) });
  };
  report('image');
  const spec = await planVm(resolved, paths, {
    ...(signal && { signal }),
    onProgress: (now) => report('image', progressNote(now)),
    onLooked: (done, all) => report('store', `${done} of ${all} paths`),
  });
  const { record, owner }: Launched = await launch(spec, {
    wait: STOP_PATIENCE,
    signal,
    onPhase: ({ phase, note }) => report(phase, note),
  });
  report('ready');
  return new Vm(record, owner);
}

function nameTaken(name: string): VzshellError {
  return new VzshellError('ERR_INVALID_STATE', `there is a running vm called '${name}' already`, {
    hint: `join it with Vm.connect('${name}'), stop it with \`vzshell stop ${name}\`, or choose another name`,
    details: { name },
  });
}
