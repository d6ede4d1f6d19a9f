// A command whose output is gathered. In memory is what `maxBuffer` allows and no more, whatever the guest writes.

import { onAbort } from '../agent/abort.ts';
import { VzshellError } from '../errors.ts';
import { type CommandContext, startCommand } from './context.ts';
import { ExecError } from './exec-error.ts';
import { execStart } from './exec-start.ts';
import { gather } from './gather.ts';
import { checkInput, writeAll } from './input.ts';
import { exitOf } from './processes.ts';
import { abandon } from './terminate.ts';
import type { ExecOptions, ExecResult, ProcessExit } from './types.ts';

const DEFAULT_MAX_BUFFER = 100 * 1024 * 1024;
/** What a string can hold: `stdout` is one. */
const LARGEST_BUFFER = 0x1fffffe8;

/** Runs a command to its end. */
export async function exec(
  context: CommandContext,
  file: string,
  args: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { input, signal, reject = true, killSignal = 'SIGTERM' } = options;
  const maxBuffer = checkMaxBuffer(options.maxBuffer ?? DEFAULT_MAX_BUFFER);
  if (input !== undefined) checkInput(input);
  const start = execStart(file, args, options, { cwd: context.cwd, stdin: input !== undefined });
  signal?.throwIfAborted();
  const began = performance.now();
  const stream = await startCommand(context, start, signal);

  let giveUp: (reason: unknown) => void = () => undefined;
  const gaveUp = new Promise<never>((_resolve, rejectWith) => {
    giveUp = (reason) => {
      rejectWith(reason);
      abandon(context.agent, stream, killSignal);
    };
  });
  const offAbort = onAbort(signal, giveUp);
  const stdout = gather(stream.data, maxBuffer, options.stdout, () => giveUp(new Overflow('stdout')));
  const stderr = gather(stream.stderr, maxBuffer, options.stderr, () => giveUp(new Overflow('stderr')));
  if (input !== undefined) {
    writeAll(stream.input, input).catch((error: unknown) => {
      // The command may end before it has read everything: that is no failure of the input.
      if (!stream.over) giveUp(error);
    });
  }

  const finish = async (exit: ProcessExit): Promise<ExecResult> => {
    const [stdoutBytes, stderrBytes] = await Promise.all([stdout, stderr]);
    return {
      command: [file, ...args],
      ...exit,
      stdout: stdoutBytes.toString(),
      stderr: stderrBytes.toString(),
      stdoutBytes,
      stderrBytes,
      durationMs: performance.now() - began,
    };
  };

  try {
    // The whole result is waited for here: an abort counts as long as output is still being gathered.
    const result = await Promise.race([exitOf(context, stream).then(finish), gaveUp]);
    if (reject && (result.exitCode !== 0 || result.timedOut)) throw new ExecError(result);
    return result;
  } catch (error) {
    if (!(error instanceof Overflow)) throw error;
    const partial = await finish({ exitCode: null, signal: null, timedOut: false });
    const why = `command was ended because its ${error.output} is over ${maxBuffer} bytes (\`maxBuffer\`)`;
    throw new ExecError(partial, why, { reason: 'max-buffer', output: error.output });
  } finally {
    offAbort();
  }
}

/** More output than is kept. Never leaves this file. */
class Overflow extends Error {
  readonly output: 'stdout' | 'stderr';

  constructor(output: 'stdout' | 'stderr') {
    super(`${output} is full`);
    this.output = output;
  }
}

function checkMaxBuffer(maxBuffer: number): number {
  if (typeof maxBuffer === 'number' && maxBuffer >= 0) return Math.min(maxBuffer, LARGEST_BUFFER);
  throw new VzshellError(
    'ERR_INVALID_OPTION',
    `expected \`maxBuffer\` to be a number of bytes, got \`${String(maxBuffer)}\``,
  );
}
