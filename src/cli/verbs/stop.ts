import type { Command } from 'commander';
import { stopVm } from '../../vm/stop.ts';
import { say } from '../report.ts';
import { targetVm } from '../target.ts';

export function addStop(program: Command): void {
  program
    .command('stop')
    .description('stop a VM in order: commands are told, volumes unmounted')
    .argument('[vm]', 'name or id (default: the VM of this project)')
    .option('-f, --force', 'do not ask the guest: like a power cut')
    .action(async (vm: string | undefined, { force }: { readonly force?: true }) => {
      const name = await targetVm(vm);
      const { error } = await stopVm(name, force ? { force: true } : {});
      if (error !== undefined) say(`vm '${name}' had failed: ${error.message}`);
    });
}
