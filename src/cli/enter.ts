// `vzshell` and `vzshell -- CMD`: the dev shell of the project around the current directory, in a VM that is joined when it runs
// and started when it does not.

import { VzshellError } from '../errors.ts';
import { covers, isGone, type Joined, joinRunning } from './join.ts';
import { parseFlags } from './parse-flags.ts';
import { makePlan } from './plan.ts';
import type { Progress } from './progress.ts';
import { run, type Work } from './run.ts';

interface Task extends Work {
  readonly noCache: boolean;
  readonly progress: () => Promise<Progress>;
  /** Takes the progress line away, if there ever was one. */
  readonly quiet: () => void;
}

/** Resolves with the exit code of the command or the shell. */
export async function enter(argv: readonly string[]): Promise<number> {
  const { flags, command } = parseFlags(argv);
  let progress: Progress | undefined;
  const task: Task = {
    plan: await makePlan(flags),
    command,
    noCache: flags['no-cache'] === true,
    noStdin: flags['no-stdin'] === true,
    progress: async () => {
      const { Progress } = await import('./progress.ts');
      progress ??= new Progress(flags.verbose === true);
      return progress;
    },
    quiet: () => progress?.phase(null),
  };
  if (flags.verbose === true) await task.progress();
  if (task.plan.hint !== null && command === null) (await import('./report.ts')).say(task.plan.hint);
  try {
    return await (task.plan.name === null ? enterThrowaway(task) : enterNamed(task, task.plan.name));
  } finally {
    task.quiet();
  }
}

async function enterNamed(task: Task, name: string): Promise<number> {
  const warm = joinRunning(name);
  if (warm !== null && covers(warm.record, task.plan.vm)) {
    try {
      return await runIn(warm, task);
    } catch (error) {
      // It stopped, for being idle perhaps, between its record and our first word: nothing has run, so it is started again.
      if (warm.started() || !isGone(error)) throw error;
    }
  }
  await startNamed(task, name);
  const joined = joinRunning(name);
  if (joined !== null) return runIn(joined, task);
  throw new VzshellError('ERR_VM_STOPPED', `vm '${name}' stopped before anything could run in it`, {
    hint: `vzshell logs ${name}`,
  });
}

async function startNamed({ plan, progress }: Task, name: string): Promise<void> {
  const [{ startVm }, line] = await Promise.all([import('./start-vm.ts'), progress()]);
  await startVm(name, plan.vm, line);
}

async function enterThrowaway(task: Task): Promise<number> {
  const [{ startThrowaway }, line] = await Promise.all([import('./start-vm.ts'), task.progress()]);
  await using vm = await startThrowaway(task.plan.vm, line);
  const joined = joinRunning(vm.name);
  if (joined === null)
    throw new VzshellError('ERR_VM_STOPPED', `vm '${vm.name}' stopped before anything could run in it`);
  return await runIn(joined, task);
}

async function runIn(joined: Joined, task: Task): Promise<number> {
  const { plan, quiet } = task;
  if (plan.devShell === null) {
    quiet();
    return run(joined, task, null);
  }
  if (task.noCache) {
    const { nixDevelop } = await import('../nix/nix-develop.ts');
    quiet();
    const { configure, store } = joined.record.spec;
    const network = store?.cache ? 'nat' : configure.network;
    const command = nixDevelop(network, plan.devShell.shell, plan.root, task.command);
    return run(joined, { ...task, command }, null);
  }
  const { openDevShell } = await import('./dev-shell.ts');
  const entrance = await openDevShell(joined, plan, task.progress);
  quiet();
  return run(joined, task, entrance);
}
