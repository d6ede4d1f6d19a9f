// The entry of the single executable: the CLI, as `bin/vzshell.js` is for a node; with a hidden verb, what only the executable
// may do. What is asked for is loaded then and not before.

import { version } from '../cli/version.ts';
import type { Arch } from '../driver/driver.ts';
import { HOLD_LOCK, PROBE, SUPERVISE } from './executable.ts';

const [first, ...rest] = process.argv.slice(2);

async function main(): Promise<void> {
  if (first === SUPERVISE) {
    const { takeLocks } = await import('./hold-lock.ts');
    // The supervisor finds its run directory where it would without the verb.
    process.argv.splice(2, Number.POSITIVE_INFINITY, ...(await takeLocks(rest)));
    await import('../supervisor/main.ts');
  } else if (first === HOLD_LOCK) {
    const { holdLocks } = await import('./hold-lock.ts');
    await holdLocks(rest);
    process.exit();
  } else if (first === PROBE) {
    const { vzDriver } = await import('../driver/vz/driver.ts');
    process.stdout.write(`${JSON.stringify(await vzDriver.probe(rest[0] as Arch))}\n`);
  } else if (first === '--version' && rest.length === 0) {
    process.stdout.write(`${version()}\n`);
  } else {
    const { warm } = await import('../cli/warm.ts');
    const code = await warm(process.argv.slice(2));
    // What is still open when the command is over (a pipe that nobody closes, say) must not keep this process.
    if (code === null) await import('../cli/main.ts');
    else process.exit(code);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
