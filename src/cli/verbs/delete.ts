import type { Command } from 'commander';
import { VzshellError } from '../../errors.ts';
import { statePaths } from '../../state/paths.ts';
import { deleteVm } from '../../vm/delete.ts';
import { stopVm } from '../../vm/stop.ts';
import { Vm } from '../../vm/vm.ts';
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
      const info = (await Vm.list()).find((each) => each.name === vm || each.id === vm);
      if (info === undefined) {
        throw new VzshellError('ERR_NOT_FOUND', `there is no vm '${vm}'`, {
          hint: '`vzshell list` shows what there is',
        });
      }
      if (force && info.state === 'running') await stopVm(vm);
      await deleteVm(vm);
      if (volume && info.volume !== null) await removeVolume(statePaths(), info.volume);
    });
}
