import { listImages, removeImage, sweep, withCache } from './cache.ts';
import { forgetImage } from './sources.ts';

export interface PruneOptions {
  /** Ids that stay: those of running VMs, and those that this version of vzshell would fetch again. */
  readonly keep: ReadonlySet<string>;
  /** Only say what would go. */
  readonly dryRun?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Pruned {
  readonly removed: readonly { readonly id: string; readonly bytes: number }[];
  /** Bytes on the disk, of partial downloads as well. */
  readonly bytes: number;
}

/** Removes images that nobody needs, and every partial download. */
export async function pruneImages({ keep, dryRun = false, env }: PruneOptions): Promise<Pruned> {
  return withCache(env === undefined ? {} : { env }, async (paths) => {
    const goes = (await listImages(env)).filter(({ id }) => !keep.has(id));
    let bytes = await sweep(paths, 0, dryRun);
    const removed: { id: string; bytes: number }[] = [];
    for (const image of goes) {
      if (!dryRun) {
        await removeImage(image.id, paths);
        forgetImage(image.id, env);
      }
      bytes += image.bytes;
      removed.push({ id: image.id, bytes: image.bytes });
    }
    return { removed, bytes };
  });
}
