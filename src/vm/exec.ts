// A command whose output is gathered. In memory is what `maxBuffer` allows and no more, whatever the guest writes.

import { onAbort } from '../agent/abort.ts';
import { FrameType } from '../agent/protocol.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';
import { type CommandContext, explain, startCommand } from './context.ts';
import { ExecError } from './exec-error.ts';
import { execStart } from './exec-start.ts';
import { gather } from './gather.ts';
import { writeAll } from './input.ts';
import { exitOf } from './processes.ts';
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
  const { input, signal, reject = true } = options;
  const maxBuffer = checkMaxBuffer(options.maxBuffer ?? DEFAULT_MAX_BUFFER);
  signal?.throwIfAborted();
  const start = execStart(file, args, options, { cwd: context.cwd, stdin: input !== undefined });
  const began = performance.now();
  const stream = await startCommand(context, start, signal);

  let failure: { readonly error: unknown } | undefined;
  let overflow: 'stdout' | 'stderr' | undefined;
  const give = (error: unknown): void => {
    failure ??= { error };
    hangUp(stream, options.killSignal ?? 'SIGTERM', error);
  };
  const offAbort = onAbort(signal, give);
  const full = (output: 'stdout' | 'stderr') => (): void => {
    overflow ??= output;
    hangUp(stream, options.killSignal ?? 'SIGTERM', new Error(`${output} is full`));
  };
  const stdout = gather(stream.data, maxBuffer, options.stdout, full('stdout'));
  const stderr = gather(stream.stderr, maxBuffer, options.stderr, full('stderr'));
  if (input !== undefined) {
    writeAll(stream.input, input).catch((error: unknown) => {
      // The command may end, or close its input, before it has read everything: that is no failure of the input.
      if (!stream.over && !stream.input.destroyed) give(error);
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
    const result = await finish(await exitOf(context, stream));
    if (overflow !== undefined) throw overflowed(result, overflow, maxBuffer);
    if (reject && (result.exitCode !== 0 || result.timedOut)) throw new ExecError(result);
    return result;
  } catch (error) {
    if (failure !== undefined) throw failure.error;
    if (overflow === undefined || error instanceof ExecError) throw await explain(context, error);
    throw overflowed(await finish({ exitCode: null, signal: null, timedOut: false }), overflow, maxBuffer);
  } finally {
    offAbort();
  }
}

function checkMaxBuffer(maxBuffer: number): number {
  if (typeof maxBuffer === 'number' && maxBuffer >= 0) return Math.min(maxBuffer, LARGEST_BUFFER);
  throw new VzshellError(
    'ERR_INVALID_OPTION',
    `expected \`maxBuffer\` to be a number of bytes, got \`${String(maxBuffer)}\``,
  );
}

function overflowed(result: ExecResult, output: 'stdout' | 'stderr', maxBuffer: number): ExecError {
  return new ExecError(result, `command was ended because its ${output} is over ${maxBuffer} bytes (\`maxBuffer\`)`, {
    reason: 'max-buffer',
    output,
  });
}

/** Ends a command that nobody waits for any more: the guest gets the signal, then sees the connection close, and kills what is left. */
function hangUp(stream: AgentStream, signal: NodeJS.Signals, reason: unknown): void {
  // Behind bytes that the command does not read, the signal would wait for ever; closing the connection says enough.
  if (!stream.congested) void stream.send(FrameType.SIGNAL, { signal });
  stream.destroy(reason);
}
