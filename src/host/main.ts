// The entry of the single executable: the CLI, as `bin/vzshell.js` is for a node; with a hidden verb, the supervisor. What is
// asked for is loaded then and not before.

import { version } from '../cli/version.ts';
import { SUPERVISE } from './executable.ts';

const [first, ...rest] = process.argv.slice(2);

async function main(): Promise<void> {
  if (first === SUPERVISE) {
    // The supervisor finds its run directory where it would without the verb.
    process.argv.splice(2, 1);
    await import('../supervisor/main.ts');
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

void main();
