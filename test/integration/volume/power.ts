// A power failure: every process of a VM is killed in one moment, in the middle of what Nix does in it.

import type { Vm } from 'vzshell';
import { runPaths, statePaths } from '../../../src/state/paths.ts';
import { ControlClient } from '../../../src/supervisor/control-client.ts';
import { below } from '../../unit/agent/random.ts';
import type { NixWork } from './nix-work.ts';
import { DATABASE } from './store-state.ts';

/** Milliseconds for Nix to finish one path more. */
const PATIENCE = 60_000;

export interface Cut {
  /** What Nix had registered when its database was last written to the disk. */
  readonly registered: readonly string[];
  /** False when some work had done nothing yet, or all of it, before the power failed. */
  readonly underWay: boolean;
}

/**
 * Kills supervisor, QEMU, its daemons, in any order, at a random moment: when a number of paths are finished, SQLite writes its
 * log into the database, as it does by itself every thousand pages; then when some more are finished; then after a while.
 */
export async function cutOff(vm: Vm, works: readonly NixWork[], random: () => number): Promise<Cut> {
  const [early, more, delay] = [1 + below(random, 10), below(random, 6), below(random, 300)];
  const victims = shuffled(random, await processIds(vm));
  const count = (): number => works.reduce((sum, { finished }) => sum + finished.length, 0);
  const nearlyOver = (): boolean => works.some(({ finished, total }) => finished.length > 0.75 * total);
  const finished = async (enough: () => boolean): Promise<void> => {
    if (await comes(works, () => enough() || nearlyOver(), PATIENCE)) return;
    throw new Error(`nothing more was finished:\n${works.map((work) => work.describe()).join('\n')}`);
  };

  await finished(() => count() >= early && works.every((work) => work.finished.length > 0));
  const registered = works.flatMap((work) => work.finished);
  await checkpoint(vm);
  const goal = count() + more;
  await finished(() => count() >= goal);
  await comes(works, nearlyOver, delay);

  for (const pid of victims) kill(pid);
  await vm.closed;
  await Promise.all(works.map(({ over }) => over));
  return { registered, underWay: works.every(({ ended, finished }) => !ended && finished.length > 0) };
}

/** Whether `enough` comes true within so many milliseconds. Rejects when a work fails. */
async function comes(works: readonly NixWork[], enough: () => boolean, milliseconds: number): Promise<boolean> {
  let check: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<boolean>((resolve, reject) => {
      check = () => {
        const failed = works.find((work) => work.failed);
        if (failed !== undefined) reject(new Error(failed.describe()));
        else if (enough()) resolve(true);
      };
      timer = setTimeout(() => resolve(false), milliseconds);
      for (const work of works) work.on('progress', check);
      check();
    });
  } finally {
    clearTimeout(timer);
    for (const work of works) work.off('progress', check);
  }
}

/** Waits until all that is registered is on the disk. */
async function checkpoint(vm: Vm): Promise<void> {
  const sql = 'pragma busy_timeout = 30000; pragma wal_checkpoint(full);';
  const { stdout } = await vm.exec('sqlite3', [DATABASE, sql], { user: 'root' });
  if (!/^30000\n0\|/.test(stdout)) throw new Error(`the database was busy: ${stdout}`);
}

async function processIds(vm: Vm): Promise<number[]> {
  const { pid, processes } = await new ControlClient(runPaths(statePaths(), vm.id).control).status();
  for (const name of ['qemu', 'virtiofsd', 'vhost-device-vsock']) {
    if (!processes.some((each) => each.name.startsWith(name)))
      throw new Error(`no ${name}: ${JSON.stringify(processes)}`);
  }
  return [pid, ...processes.map((each) => each.pid)];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // They die with each other.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function shuffled<T>(random: () => number, items: readonly T[]): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(below(random, left.length), 1));
}
