import type { Command } from 'commander';
import { Vm } from '../../vm/vm.ts';
import { targetVm } from '../target.ts';

export function addCopyToHost(program: Command): void {
  program
    .command('copy-to-host')
    .description(
      "copy store paths of a guest, and all they refer to, into this host's Nix store; print what was copied",
    )
    .argument('<path...>', '/nix/store/… in the guest')
    .option('--vm <vm>', 'name or id (default: the VM of this project)')
    .action(async (paths: string[], { vm: named }: { readonly vm?: string }) => {
      const vm = await Vm.connect(await targetVm(named));
      for (const path of await vm.copyToHost(paths)) process.stdout.write(`${path}\n`);
    });
}
