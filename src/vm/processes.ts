// A live command: the agent's stream with the shape of a process.

import { onAbort } from '../agent/abort.ts';
import { decodeExecExit } from '../agent/decode.ts';
import { explainViolation } from '../agent/errors.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';
import { type CommandContext, explain, explained, startCommand } from './context.ts';
import { checkCells, checkSignal, execStart } from './exec-start.ts';
import { readLines } from './lines.ts';
import { mergeOutput } from './output.ts';
import { resizeTerminal, signalGroup } from './past-input.ts';
import { terminate } from './terminate.ts';
import type { GuestProcess, OutputChunk, ProcessExit, SpawnOptions } from './types.ts';

/** Starts a command and gives it to the caller alive. */
export async function spawn(
  context: CommandContext,
  file: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<GuestProcess> {
  const start = execStart(file, args, options, { cwd: context.cwd, stdin: true });
  const stream = await startCommand(context, start, options.signal);
  const { pid } = await stream.started;
  if (pid === null) {
    stream.destroy();
    throw new VzshellError('ERR_PROTOCOL', 'the guest agent started a command without saying its pid');
  }
  return new LiveProcess(context, stream, pid, options);
}

class LiveProcess implements GuestProcess {
  readonly pid: number;
  readonly stdin: AgentStream['input'];
  readonly stdout: AgentStream['data'];
  readonly stderr: AgentStream['stderr'] | null;
  readonly #context: CommandContext;
  readonly #stream: AgentStream;
  readonly #exited: Promise<ProcessExit>;
  readonly #killSignal: NodeJS.Signals;

  constructor(context: CommandContext, stream: AgentStream, pid: number, options: SpawnOptions) {
    this.pid = pid;
    this.#context = context;
    this.#stream = stream;
    this.#killSignal = options.killSignal ?? 'SIGTERM';
    this.stdin = stream.input;
    this.stdout = stream.data;
    this.stderr = options.pty === undefined || options.pty === false ? stream.stderr : null;
    if (this.stderr === null) stream.stderr.resume();
    const offAbort = onAbort(options.signal, () => terminate(context.agent, stream, this.#killSignal));
    this.#exited = exitOf(context, stream).finally(offAbort);
    // Who never looks at `exited` must not be ended by it.
    this.#exited.catch(() => undefined);
    // A handle that nobody waits for lets a script end; reading its output or asking for its exit holds on to it.
    stream.unref();
  }

  get exited(): Promise<ProcessExit> {
    if (!this.#stream.over) this.#stream.ref();
    return this.#exited;
  }

  output(): AsyncIterable<OutputChunk> {
    return mergeOutput(this.stdout, this.stderr);
  }

  lines(from: 'stdout' | 'stderr' = 'stdout'): AsyncIterable<string> {
    const stream = from === 'stdout' ? this.stdout : this.stderr;
    if (stream !== null) return readLines(stream);
    throw new VzshellError(
      'ERR_INVALID_OPTION',
      'a command on a terminal has no stderr of its own: its lines are in stdout',
    );
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const name = checkSignal('signal', signal);
    await explained(this.#context, () => signalGroup(this.#context.agent, this.#stream, name));
  }

  resize(cols: number, rows: number): void {
    const size = { cols: checkCells('cols', cols), rows: checkCells('rows', rows) };
    if (this.stderr !== null) return;
    // When it cannot be sent the connection is gone, which `exited` tells.
    resizeTerminal(this.#context.agent, this.#stream, size).catch(() => undefined);
  }

  /** Ends the command if it still runs: the kill signal, SIGKILL five seconds later. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stream.over) return;
    // Output that nobody reads any more would hold back the exit.
    this.stdout.destroy();
    this.#stream.stderr.destroy();
    terminate(this.#context.agent, this.#stream, this.#killSignal);
    this.#stream.ref();
    await this.#exited.catch(() => undefined);
  }
}

/** How a command's stream ended. Rejects with the reason when the connection is lost first. */
export async function exitOf(context: CommandContext, stream: AgentStream): Promise<ProcessExit> {
  try {
    const { code, signal, timedOut } = decodeExecExit(await stream.ended);
    return { exitCode: code, signal, timedOut };
  } catch (error) {
    throw await explain(context, explainViolation(error));
  }
}
