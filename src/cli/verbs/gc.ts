import { type Command, InvalidArgumentError } from 'commander';
import { megabytes } from '../../image/problem.ts';
import { Vm } from '../../vm/vm.ts';
import { targetVm } from '../target.ts';

export function addGc(program: Command): void {
  program
    .command('gc')
    .description("collect the garbage of a running VM's Nix store; its volume takes less space on this host then")
    .argument('[vm]', 'name or id (default: the VM of this project)')
    .option('--keep <n>', 'generations of each dev shell that stay', count, 3)
    .option('--json', 'as JSON')
    .action(async (named: string | undefined, { keep, json }: { readonly keep: number; readonly json?: true }) => {
      const vm = await Vm.connect(await targetVm(named));
      const collected = await vm.collectGarbage({ keep });
      const { generations, paths, freed } = collected;
      if (json) process.stdout.write(`${JSON.stringify(collected, null, 2)}\n`);
      else
        process.stdout.write(
          `${paths} paths deleted, ${generations} old dev shells forgotten, ${megabytes(freed)} freed\n`,
        );
    });
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number of at least 1');
}
