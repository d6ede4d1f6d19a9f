import type { Command } from 'commander';
import { VzshellError } from '../../errors.ts';
import { FLAGS, type Flag, type FlagValues } from '../flags.ts';
import { makePlan } from '../plan.ts';
import { Progress } from '../progress.ts';
import { startVm } from '../start-vm.ts';

const MACHINE_FLAGS: readonly Flag[] = FLAGS.filter((flag) => flag.machine === true);

export function addStart(program: Command): void {
  const command = program
    .command('start')
    .description("start the project's VM, or join it when it runs; print its name");
  for (const { long, value, many, help } of MACHINE_FLAGS) {
    const syntax = `--${long} <${value}>`;
    if (many) command.option(syntax, help, (next: string, all: readonly string[] = []) => [...all, next]);
    else command.option(syntax, help);
  }
  command.option('-v, --verbose', 'say what happens, and how long it takes');
  command.action(async (options: Record<string, string | readonly string[] | true>) => {
    const flags = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [kebab(name), value]),
    ) as FlagValues;
    const { name, vm } = await makePlan({ ...flags, plain: true });
    if (name === null) throw new VzshellError('ERR_INVALID_OPTION', 'the VM needs a name');
    const progress = new Progress(flags.verbose === true);
    const { joined } = await startVm(name, vm, progress);
    progress.verbose(joined ? 'it ran already' : 'started');
    process.stdout.write(`${name}\n`);
  });
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
