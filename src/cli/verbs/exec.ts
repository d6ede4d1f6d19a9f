import type { Command } from 'commander';
import { VzshellError } from '../../errors.ts';
import { attachTerminal, type TerminalOptions } from '../../vm/terminal.ts';
import { environment } from '../environment.ts';
import { joinVm } from '../join-vm.ts';
import type { Outcome } from '../outcome.ts';
import { terminalStreams } from '../terminal-streams.ts';

export interface CommandFlags {
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly stdin?: boolean;
}

export function addExec(program: Command, outcome: Outcome): void {
  const command = program
    .command('exec')
    .description('run a command in a running VM, without the dev shell and the settings of a project')
    .usage('[FLAGS] VM -- CMD ARGS…')
    .argument('<vm>', 'name or id')
    .argument('<cmd...>', 'the command and its arguments, as they are')
    .passThroughOptions();
  commandFlags(command).action(async (vm: string, argv: readonly string[], flags: CommandFlags) => {
    const { context } = await joinVm(vm);
    const words = argv[0] === '--' ? argv.slice(1) : argv;
    if (words.length === 0) throw new VzshellError('ERR_INVALID_OPTION', "there is no command after '--'");
    outcome.code = await attachTerminal(context, words, {
      ...terminalOptions(flags),
      ...terminalStreams(flags.stdin === false, false),
    });
  });
}

/** The flags of a single command in a VM. */
export function commandFlags(command: Command): Command {
  const many = (next: string, all: readonly string[] = []): readonly string[] => [...all, next];
  return command
    .option('-e, --env <NAME=VALUE>', "variable; 'NAME' alone takes the host's value", many)
    .option('--env-file <FILE>', 'file of NAME=VALUE lines', many)
    .option('-w, --workdir <DIR>', "directory in the guest (default: the VM's)")
    .option('-u, --user <NAME>', 'guest user')
    .option('-n, --no-stdin', 'do not read standard input');
}

/** Flags as options of a command. */
export function terminalOptions(flags: CommandFlags): TerminalOptions {
  const env = environment(flags.env ?? [], flags.envFile ?? []);
  return {
    ...(flags.workdir !== undefined && { cwd: flags.workdir }),
    ...(flags.user !== undefined && { user: flags.user }),
    ...(Object.keys(env).length > 0 && { env }),
  };
}
