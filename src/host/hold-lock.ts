// Kernel locks for hosts without `flock`: taken by the addon, held by this process until it ends.

import { loadAddon } from '../driver/vz/addon.ts';

/** Takes a lock, waiting at most `wait` milliseconds for its holder; ends this process with `refused` when that is in vain. */
async function takeLock(wait: string, refused: string, path: string): Promise<void> {
  if ((await loadAddon().lock(path, Number(wait))) === null) process.exit(Number(refused));
}

/** Takes the locks that `--lock WAIT REFUSED PATH` name at the front of the arguments, in order, and returns the rest. */
export async function takeLocks(args: readonly string[]): Promise<readonly string[]> {
  let rest = args;
  while (rest[0] === '--lock') {
    const [, wait = '', refused = '', path = ''] = rest;
    await takeLock(wait, refused, path);
    rest = rest.slice(4);
  }
  return rest;
}

/** Takes the locks, says so with an empty line, and keeps them until standard input ends. */
export async function holdLocks(args: readonly string[]): Promise<void> {
  await takeLocks(args);
  process.stdout.write('\n');
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('close', resolve));
}
