import type { Command } from 'commander';
import { importImage } from '../../image/import.ts';
import { interruptible } from '../interruptible.ts';

export function addImageImport(image: Command): void {
  image
    .command('import')
    .description('copy an image from this host into the cache, checked; print its id, which --image takes')
    .argument('<path>', 'manifest.json, the directory that holds it, or the tarball of a guest package (.tgz)')
    .action(async (path: string) => {
      const id = await interruptible((signal) => importImage(path, { signal }));
      process.stdout.write(`${id}\n`);
    });
}
