import type { Command } from 'commander';
import { statePaths } from '../../state/paths.ts';
import { deleteVm } from '../../vm/delete.ts';
import { findVm } from '../../vm/find.ts';
import { stopVm } from '../../vm/stop.ts';
import { removeVolume } from '../../volume/remove.ts';

interface DeleteFlags {
  readonly volume?: true;
  readonly force?: true;
}

export function addDelete(program: Command): void {
  program
    .command('delete')
    .description('delete what a stopped VM left: its records and logs. Its volume stays unless asked for')
    .argument('<vm>', 'name or id')
    .option('--volume', 'its volume too: the Nix store with all that was built in it')
    .option('-f, --force', 'stop it first')
    .action(async (vm: string, { volume, force }: DeleteFlags) => {
      const info = await findVm(vm);
      if (force && info.state === 'running') await stopVm(vm);
      await deleteVm(vm);
      if (volume && info.volume !== null) await removeVolume(statePaths(), info.volume);
    });
}
