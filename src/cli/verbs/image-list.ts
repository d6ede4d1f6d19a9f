import type { Command } from 'commander';
import { listImages } from '../../image/cache.ts';
import { megabytes } from '../../image/problem.ts';
import { imageTable } from '../image-table.ts';
import { ownImages } from '../own-images.ts';
import { usedImages } from '../used-images.ts';

export function addImageList(image: Command): void {
  image
    .command('list')
    .description('the images that were fetched or imported')
    .option('--json', 'as JSON')
    .action(async ({ json }: { readonly json?: true }) => {
      const [images, used] = await Promise.all([listImages(), usedImages()]);
      const own = ownImages();
      const rows = images.map(({ manifest, ...rest }) => ({
        ...rest,
        arch: manifest?.arch ?? null,
        nixVersion: manifest?.nixVersion ?? null,
        vms: used.get(rest.id) ?? [],
        pinned: own.get(rest.id) ?? null,
      }));
      if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      else process.stdout.write(imageTable(rows.map((row) => ({ ...row, size: megabytes(row.bytes) }))));
    });
}
