// The CLI, as far as `warm.ts` has left it something to do. Verbs and help come with commander, which only they load.

import { isVerb } from './flags.ts';

const argv = process.argv.slice(2);

async function run(): Promise<number> {
  try {
    if (isVerb(argv[0])) return await (await import('./program.ts')).runProgram(argv);
    return await (await import('./enter.ts')).enter(argv);
  } catch (error) {
    const { reportError } = await import('./report.ts');
    return reportError(
      error,
      argv.slice(0, argv.indexOf('--') >>> 0).some((word) => word === '--verbose' || word === '-v'),
    );
  }
}

// What is still open when the command is over (a pipe that nobody closes, say) must not keep this process. No top-level await: the
// bundle of the single executable is CommonJS, which loads what is asked for and no more.
void run().then((code) => process.exit(code));
