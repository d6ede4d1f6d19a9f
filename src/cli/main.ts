// The CLI's beginning. It loads as little as it can: entering a dev shell of a running VM is what happens most, and each module
// that it does not load makes it faster. Verbs and help come with commander, which only they load.

import { VERBS } from './flags.ts';

const argv = process.argv.slice(2);
const first = argv[0];
const isVerb = first !== undefined && (VERBS.includes(first) || /^(?:-h|--help|-V|--version)$/.test(first));

async function run(): Promise<number> {
  try {
    if (isVerb) return await (await import('./program.ts')).runProgram(argv);
    return await (await import('./enter.ts')).enter(argv);
  } catch (error) {
    const { reportError } = await import('./report.ts');
    return reportError(
      error,
      argv.slice(0, argv.indexOf('--') >>> 0).some((word) => word === '--verbose' || word === '-v'),
    );
  }
}

// What is still open when the command is over (a pipe that nobody closes, say) must not keep this process.
process.exit(await run());
