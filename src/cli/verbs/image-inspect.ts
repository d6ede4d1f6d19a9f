import type { Command } from 'commander';
import type { Arch } from '../../driver/driver.ts';
import { listImages } from '../../image/cache.ts';
import { locateImage } from '../../image/locate.ts';
import { readManifest } from '../../image/manifest.ts';
import { imageName } from '../../image/source.ts';
import { currentDirectory } from '../../project/find.ts';
import { absolute } from '../../project/mount.ts';
import { usedImages } from '../used-images.ts';
import { archOption } from './image-pull.ts';

export function addImageInspect(image: Command): void {
  image
    .command('inspect')
    .description('everything about an image on this host, as JSON; its files are verified first')
    .argument('[image]', 'id, path, npm:NAME[@VERSION] or URL (default: the one that a start here would boot)')
    .addOption(archOption())
    .option('--json', 'as JSON, which it always is')
    .action(async (named: string | undefined, { arch: asked }: { readonly arch: Arch }) => {
      const images = await listImages();
      // An id means one image, whatever its architecture.
      const arch = images.find(({ id }) => id === named)?.manifest?.arch ?? asked;
      const name = named === undefined ? undefined : imageName(named, (path) => absolute(path, currentDirectory()));
      const found = await locateImage({ arch, pull: 'never', ...(name !== undefined && { image: name }) });
      const [{ manifest, sha256 }, used] = await Promise.all([readManifest(found.manifest), usedImages()]);
      const cached = images.find(({ id }) => id === found.id);
      const about = {
        id: found.id,
        path: found.manifest,
        sha256,
        sources: cached?.sources ?? [],
        installedAt: cached?.installedAt ?? null,
        vms: used.get(found.id) ?? [],
        manifest,
      };
      process.stdout.write(`${JSON.stringify(about, null, 2)}\n`);
    });
}
