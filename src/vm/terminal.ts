// A command on this process's own terminal, as ssh does it: in raw mode every key goes to the guest as a byte, Ctrl-C and Ctrl-Z
// too. Without a terminal the streams stay apart, and signals are carried over as signals.

import { onAbort } from '../agent/abort.ts';
import { FrameType } from '../agent/protocol.ts';
import { shellExitCode } from '../agent/signals.ts';
import type { AgentStream } from '../agent/stream.ts';
import { type CommandContext, startCommand } from './context.ts';
import { execStart } from './exec-start.ts';
import { resizeTerminal, signalGroup } from './past-input.ts';
import { exitOf } from './processes.ts';
import { HostTerminal, type TerminalInput, type TerminalOutput } from './raw-mode.ts';
import { guestTerm } from './term-names.ts';
import type { SpawnOptions } from './types.ts';

export type { TerminalInput, TerminalOutput } from './raw-mode.ts';

export interface TerminalOptions extends SpawnOptions {
  /** Default: this process's. */
  readonly stdin?: TerminalInput;
  /** Default: this process's. */
  readonly stdout?: TerminalOutput;
  /** Default: this process's. */
  readonly stderr?: TerminalOutput;
}

/** Signals to this process that mean the command. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** On a terminal the keys go to the guest by themselves: these two come from outside, and mean that the terminal or we must go. */
const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP'];
const SIGPIPE_EXIT = 141;

/**
 * Runs a command on stdin, stdout and stderr. Resolves with the exit code that a shell would report, with 128 and the signal's
 * number when a signal to this process ended it, with 141 when the reader of stdout went away. The terminal is as it was before,
 * however this ends.
 */
export async function attachTerminal(
  context: CommandContext,
  argv: readonly string[],
  options: TerminalOptions = {},
): Promise<number> {
  const { stdin = process.stdin, stdout = process.stdout, stderr = process.stderr, pty, ...rest } = options;
  const onTerminal = pty !== undefined ? pty !== false : isTerminal(stdin) && isTerminal(stdout);
  const [file = '', ...args] = argv;
  const size = typeof pty === 'object' ? pty : undefined;
  const start = execStart(
    file,
    args,
    {
      ...rest,
      ...(onTerminal && {
        pty: {
          cols: size?.cols ?? cells(stdout.columns, 80),
          rows: size?.rows ?? cells(stdout.rows, 24),
          term: size?.term ?? guestTerm(process.env.TERM),
        },
      }),
    },
    { cwd: context.cwd, stdin: true },
  );
  const stream = await startCommand(context, start, options.signal);
  const attached = new Attachment(context, stream, { stdin, stdout, stderr });
  const offAbort = onAbort(options.signal, (reason) =>
    attached.hangUp(options.killSignal ?? 'SIGTERM', { error: reason }),
  );
  try {
    return await attached.run(onTerminal && isTerminal(stdin));
  } finally {
    offAbort();
  }
}

function isTerminal(stream: TerminalInput | TerminalOutput): boolean {
  return stream.isTTY === true;
}

function cells(value: number | undefined, otherwise: number): number {
  return value !== undefined && value > 0 ? value : otherwise;
}

interface Ends {
  readonly stdin: TerminalInput;
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
}

/** The host's streams joined to a running command. */
class Attachment {
  readonly #context: CommandContext;
  readonly #stream: AgentStream;
  readonly #ends: Ends;
  readonly #undo: (() => void)[] = [];
  /** Set when this side ends the command: what its exit says does not count any more. */
  #verdict: { readonly code: number } | { readonly error: unknown } | undefined;

  constructor(context: CommandContext, stream: AgentStream, ends: Ends) {
    this.#context = context;
    this.#stream = stream;
    this.#ends = ends;
  }

  async run(raw: boolean): Promise<number> {
    const { stdin, stdout, stderr } = this.#ends;
    try {
      if (raw) this.#enterRaw();
      this.#forwardSignals(raw);
      const drained = [this.#pass(this.#stream.data, stdout), this.#pass(this.#stream.stderr, stderr)];
      this.#feed(stdin);
      const exit = await exitOf(this.#context, this.#stream);
      // The exit frame is the last one, but what came before it may still wait for a slow reader.
      await Promise.all(drained);
      if (this.#verdict !== undefined) throw new Error('ended by this side');
      return shellExitCode(exit);
    } catch (error) {
      if (this.#verdict === undefined) throw error;
      if ('error' in this.#verdict) throw this.#verdict.error;
      return this.#verdict.code;
    } finally {
      for (const undo of this.#undo.reverse()) undo();
    }
  }

  /** Ends the command from this side: the signal, then the connection, on which the guest hangs up and kills what is left. */
  hangUp(signal: NodeJS.Signals, verdict: { readonly code: number } | { readonly error: unknown }): void {
    this.#verdict ??= verdict;
    void this.#stream.send(FrameType.SIGNAL, { signal });
    this.#stream.destroy();
  }

  #enterRaw(): void {
    const { stdin, stdout } = this.#ends;
    const terminal = new HostTerminal(stdin);
    const resize = (): void => {
      const size = { cols: cells(stdout.columns, 80), rows: cells(stdout.rows, 24) };
      resizeTerminal(this.#context.agent, this.#stream, size).catch(() => undefined);
    };
    terminal.enter(resize);
    stdout.on('resize', resize);
    this.#undo.push(() => {
      stdout.off('resize', resize);
      terminal.leave();
    });
    // The window may have changed between the start and here.
    resize();
  }

  #forwardSignals(raw: boolean): void {
    for (const signal of FORWARDED) {
      const listener = (): void => {
        if (raw && ENDING.includes(signal)) this.hangUp(signal, { code: shellExitCode({ exitCode: null, signal }) });
        else signalGroup(this.#context.agent, this.#stream, signal).catch(() => undefined);
      };
      process.on(signal, listener);
      this.#undo.push(() => process.off(signal, listener));
    }
  }

  /** Carries output at the pace of `sink`. Resolves when all of it is written, or nobody wants it any more. */
  #pass(source: AgentStream['data'], sink: TerminalOutput): Promise<void> {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EPIPE') this.hangUp('SIGPIPE', { code: SIGPIPE_EXIT });
      else this.hangUp('SIGTERM', { error });
      // A drain will not come any more.
      source.destroy();
    };
    sink.on('error', onError);
    this.#undo.push(() => sink.off('error', onError));
    return new Promise((resolve) => {
      const go = (): void => {
        sink.off('drain', go);
        source.resume();
      };
      let written = false;
      source.on('data', (chunk: Buffer) => {
        written = true;
        if (sink.write(chunk)) return;
        source.pause();
        sink.on('drain', go);
      });
      // The callback comes when everything before it is written, or with an error, which may be here before its event.
      const settled = (error?: Error | null): void => {
        if (error) onError(error);
        resolve();
      };
      source.on('close', () => (written && sink.writable ? sink.write('', settled) : settled(sink.errored)));
    });
  }

  #feed(stdin: TerminalInput): void {
    const { input } = this.#stream;
    const onData = (chunk: Buffer | string): void => {
      if (input.destroyed || input.write(chunk)) return;
      stdin.pause();
      input.once('drain', () => stdin.resume());
    };
    const onEnd = (): void => {
      input.end();
    };
    stdin.on('data', onData).on('end', onEnd).on('error', onEnd);
    this.#undo.push(() => {
      stdin.off('data', onData).off('end', onEnd).off('error', onEnd);
      // A stdin that is still being read keeps the process alive after the command.
      stdin.pause();
    });
    if (stdin.readableEnded) onEnd();
    else stdin.resume();
  }
}
