import type { Command } from 'commander';
import { attachTerminal } from '../../vm/terminal.ts';
import { joinVm } from '../join-vm.ts';
import type { Outcome } from '../outcome.ts';
import { targetVm } from '../target.ts';
import { terminalStreams } from '../terminal-streams.ts';
import { type CommandFlags, commandFlags, terminalOptions } from './exec.ts';

export function addShell(program: Command, outcome: Outcome): void {
  const command = program
    .command('shell')
    .description('a login shell in a running VM; for the dev shell of the project it is `vzshell` alone')
    .argument('[vm]', 'name or id (default: the VM of this project)');
  commandFlags(command).action(async (vm: string | undefined, flags: CommandFlags) => {
    const { context, record } = await joinVm(await targetVm(vm));
    outcome.code = await attachTerminal(context, [record.spec.configure.user.shell, '-l'], {
      ...terminalOptions(flags),
      ...terminalStreams(flags.stdin === false, true),
    });
  });
}
