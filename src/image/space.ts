import { statfs } from 'node:fs/promises';
import { imageProblem, megabytes } from './problem.ts';

/** Rejects unless the file system of `directory` has room for `bytes` more: before anything is fetched that could not be kept. */
export async function requireSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw imageProblem(
    'no-space',
    `a guest image needs ${megabytes(bytes)} in ${directory}, and ${megabytes(free)} are free`,
    {
      hint: 'free some (`vzshell image prune` removes older images), or set VZSHELL_HOME to a directory on another disk',
      details: { needed: bytes, free },
    },
  );
}
