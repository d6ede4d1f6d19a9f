import type { Command } from 'commander';
import { megabytes } from '../../image/problem.ts';
import { pruneImages } from '../../image/prune.ts';
import { ownImages } from '../own-images.ts';
import { say } from '../report.ts';
import { usedImages } from '../used-images.ts';

interface PruneFlags {
  readonly all?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addImagePrune(image: Command): void {
  image
    .command('prune')
    .description("remove images that no VM runs from, but this version's own, and downloads that were broken off")
    .option('-a, --all', "this version's own as well")
    .option('--dry-run', 'only say what would go')
    .option('--json', 'as JSON')
    .action(async ({ all, dryRun, json }: PruneFlags) => {
      const keep = new Set([...(await usedImages()).keys(), ...(all ? [] : ownImages().keys())]);
      const pruned = await pruneImages({ keep, ...(dryRun && { dryRun }) });
      if (json) {
        process.stdout.write(`${JSON.stringify(pruned, null, 2)}\n`);
        return;
      }
      for (const { id } of pruned.removed) process.stdout.write(`${id}\n`);
      say(`${dryRun ? 'would free' : 'freed'} ${megabytes(pruned.bytes)}`);
    });
}
