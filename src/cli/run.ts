import type { Entrance } from '../nix/entrance.ts';
import { attachTerminal, type TerminalOptions } from '../vm/terminal.ts';
import type { Joined } from './join.ts';
import type { Plan } from './plan.ts';
import { terminalStreams } from './terminal-streams.ts';

/** What is to run in a VM. */
export interface Work {
  readonly plan: Plan;
  /** Null: an interactive shell. */
  readonly command: readonly string[] | null;
  readonly noStdin: boolean;
}

/** Runs it on this process's streams, in the dev shell when there is one. Resolves with the exit code. */
export async function run(joined: Joined, work: Work, devShell: Entrance | null): Promise<number> {
  const { plan, command, noStdin } = work;
  const options: TerminalOptions = {
    ...(plan.cwd !== null && { cwd: plan.cwd }),
    ...(plan.user !== null && { user: plan.user }),
    ...(Object.keys(plan.env).length > 0 && { env: plan.env }),
    ...terminalStreams(noStdin, command === null),
  };
  const { context, record } = joined;
  if (devShell === null) return attachTerminal(context, command ?? [record.spec.configure.user.shell, '-l'], options);
  return command === null
    ? attachTerminal(devShell.interactive, ['bash'], options)
    : attachTerminal(devShell.commands, command, options);
}
