import type { Command } from 'commander';
import { megabytes } from '../../image/problem.ts';
import { prepareState, statePaths } from '../../state/paths.ts';
import { cloneVolume } from '../../volume/clone.ts';
import { interruptible } from '../interruptible.ts';
import { Progress } from '../progress.ts';

export function addVolumeClone(volume: Command): void {
  volume
    .command('clone')
    .description('make a volume that begins as a copy of another, which no VM has in use')
    .argument('<source>', 'name of a volume')
    .argument('<new>', 'name of the new one')
    .option('-v, --verbose', 'say what happens, and how long it takes')
    .action(async (source: string, target: string, { verbose }: { readonly verbose?: true }) => {
      const paths = statePaths();
      prepareState(paths);
      const progress = new Progress(verbose === true);
      await interruptible((signal) => {
        progress.phase(`copying volume '${source}'`);
        return cloneVolume(paths, source, target, {
          signal,
          onProgress: (copied, total) => progress.detail(`${megabytes(copied)} of ${megabytes(total)}`),
        });
      }).finally(() => progress.phase(null));
    });
}
