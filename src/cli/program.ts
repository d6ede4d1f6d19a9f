// The verbs, with commander. Only they load it.

import { Command, CommanderError } from 'commander';
import { VERBS } from './flags.ts';
import { helpText } from './help.ts';
import type { Outcome } from './outcome.ts';
import { strayWord } from './parse-flags.ts';
import { EXIT, reportError, say } from './report.ts';
import { addCopyToHost } from './verbs/copy-to-host.ts';
import { addCp } from './verbs/cp.ts';
import { addDelete } from './verbs/delete.ts';
import { addDoctor } from './verbs/doctor.ts';
import { addExec } from './verbs/exec.ts';
import { addForward } from './verbs/forward.ts';
import { addGc } from './verbs/gc.ts';
import { addImage } from './verbs/image.ts';
import { addInspect } from './verbs/inspect.ts';
import { addList } from './verbs/list.ts';
import { addLogs } from './verbs/logs.ts';
import { addShell } from './verbs/shell.ts';
import { addStart } from './verbs/start.ts';
import { addStop } from './verbs/stop.ts';
import { addStore } from './verbs/store.ts';
import { addVolume } from './verbs/volume.ts';
import { version } from './version.ts';

/** Runs a verb; resolves with the exit code. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const outcome: Outcome = { code: 0 };
  if (argv[0] === 'help' && argv[1] !== undefined && !VERBS.includes(argv[1])) throw strayWord(argv[1]);
  const program = new Command('vzshell')
    .helpOption('-h, --help', 'show this help')
    .version(version(), '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text) => sayUsage(text, argv[0] ?? '') });
  program.helpInformation = helpText;
  program
    .command('version')
    .description('print the version of vzshell')
    .action(() => void process.stdout.write(`${version()}\n`));
  for (const add of [
    addStart,
    addStop,
    addList,
    addInspect,
    addExec,
    addShell,
    addCp,
    addForward,
    addLogs,
    addImage,
    addVolume,
    addStore,
    addGc,
    addCopyToHost,
    addDoctor,
    addDelete,
  ]) {
    add(program, outcome);
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return outcome.code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, argv.includes('--verbose'));
    return error.exitCode === 0 ? 0 : EXIT.failed;
  }
}

/** Commander's complaint, in our form. */
function sayUsage(text: string, verb: string): void {
  const [first = '', ...rest] = text
    .trimEnd()
    .replace(/^error: /, '')
    .split('\n');
  const hint = rest.join('\n').replace(/^\((.*)\)$/, (_, near: string) => near.toLowerCase());
  say(first, hint === '' ? `see \`vzshell ${verb} --help\`` : hint);
}
