import { type Command, Option } from 'commander';
import type { Arch } from '../../driver/driver.ts';
import { locateImage } from '../../image/locate.ts';
import { progressNote } from '../../image/progress.ts';
import { imageName } from '../../image/source.ts';
import { currentDirectory } from '../../project/find.ts';
import { absolute } from '../../project/mount.ts';
import { hostArch } from '../../vm/options.ts';
import { interruptible } from '../interruptible.ts';
import { Progress } from '../progress.ts';

interface PullFlags {
  readonly arch: Arch;
  readonly force?: true;
  readonly verbose?: true;
}

export function addImagePull(image: Command): void {
  image
    .command('pull')
    .description('fetch an image that is not here yet, or is newer there; print its id')
    .argument('[image]', "npm:NAME[@VERSION] or the URL of a manifest.json (default: vzshell's own)")
    .addOption(archOption())
    .option('-f, --force', 'fetch it again also when it is here, as when it was damaged')
    .option('-v, --verbose', 'say what happens, and how long it takes')
    .action(async (named: string | undefined, { arch, force, verbose }: PullFlags) => {
      const progress = new Progress(verbose === true);
      let step = '';
      const name = named === undefined ? undefined : imageName(named, (path) => absolute(path, currentDirectory()));
      const { id } = await interruptible(async (signal) => {
        progress.phase('looking for the guest image');
        return locateImage({
          arch,
          signal,
          pull: force ? 'again' : 'newer',
          ...(name !== undefined && { image: name }),
          onProgress: (now) => {
            progress.phase('looking for the guest image', progressNote(now));
            if (now.step !== step) progress.verbose(progressNote(now));
            step = now.step;
          },
        });
      }).finally(() => progress.phase(null));
      process.stdout.write(`${id}\n`);
    });
}

/** `--arch`, as every verb of images has it. */
export function archOption(): Option {
  return new Option('--arch <ARCH>', "architecture (default: the host's)")
    .choices(['arm64', 'x86_64'])
    .default(hostArch(), "the host's");
}
