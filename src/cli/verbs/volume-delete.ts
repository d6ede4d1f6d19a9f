import type { Command } from 'commander';
import { statePaths } from '../../state/paths.ts';
import { removeVolume } from '../../volume/remove.ts';

export function addVolumeDelete(volume: Command): void {
  volume
    .command('delete')
    .description('delete a volume that no VM has in use: the Nix store with all that was built in it')
    .argument('<name>', 'name of the volume')
    .action(async (name: string) => {
      await removeVolume(statePaths(), name);
    });
}
