import { escapeForTerminal } from '../agent/escape.ts';
import { VzshellError } from '../errors.ts';
import type { ExecResult } from './types.ts';

/** Characters of stderr that a message quotes: its end, where the reason usually stands. */
const TAIL = 2000;
const MAX_COMMAND = 200;

/** A command that ended badly: not with exit code 0, by a signal, or not in time. It has every field of the result. */
export class ExecError extends VzshellError implements ExecResult {
  readonly command: readonly string[];
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  declare readonly stdoutBytes: Uint8Array;
  declare readonly stderrBytes: Uint8Array;
  readonly durationMs: number;
  readonly timedOut: boolean;

  constructor(result: ExecResult, failure: string = describe(result), details?: Readonly<Record<string, unknown>>) {
    const tail = escapeForTerminal(result.stderr.slice(-TAIL)).trim();
    super('ERR_EXEC', `${failure}: ${quote(result.command)}${tail === '' ? '' : `\n${tail}`}`, details && { details });
    this.command = result.command;
    this.exitCode = result.exitCode;
    this.signal = result.signal;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
    this.durationMs = result.durationMs;
    this.timedOut = result.timedOut;
    // Not enumerable: an uncaught error is printed with its fields, and these say again what stdout and stderr said.
    Object.defineProperty(this, 'stdoutBytes', { value: result.stdoutBytes });
    Object.defineProperty(this, 'stderrBytes', { value: result.stderrBytes });
  }
}
Object.defineProperty(ExecError.prototype, 'name', { value: 'ExecError', configurable: true });

function describe(result: ExecResult): string {
  if (result.timedOut) return `command timed out after ${Math.round(result.durationMs)} ms`;
  if (result.signal !== null) return `command was ended by ${result.signal}`;
  return `command failed with exit code ${result.exitCode}`;
}

/** The command as one could type it. */
function quote(command: readonly string[]): string {
  const line = command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
  return escapeForTerminal(line.length > MAX_COMMAND ? `${line.slice(0, MAX_COMMAND)}…` : line).replaceAll('\n', '\\n');
}
