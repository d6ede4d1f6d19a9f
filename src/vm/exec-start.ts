// The edge where a command's options are checked, in the words of who wrote them. Past it a command is an ExecStart.

import type { ExecStart } from '../agent/operations.ts';
import { isSignal } from '../agent/signals.ts';
import { VzshellError } from '../errors.ts';
import { guestPath } from './guest-path.ts';
import type { SpawnOptions } from './types.ts';

/** A terminal without a size of its own. */
const DEFAULT_PTY = { cols: 80, rows: 24, term: 'xterm-256color' };
/** Longest timeout: what fits the guest's timers too. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** What is sent to the agent for a program with arguments. Throws ERR_INVALID_OPTION. */
export function execStart(
  file: string,
  args: readonly string[],
  options: SpawnOptions,
  defaults: { readonly cwd: string; readonly stdin: boolean },
): ExecStart {
  const { cwd, env, user, timeout, killSignal, pty } = options;
  return {
    op: 'exec',
    argv: checkArgv(file, args),
    cwd: cwd === undefined ? defaults.cwd : guestPath('cwd', cwd, defaults.cwd),
    stdin: defaults.stdin,
    ...(env !== undefined && { env: checkEnv(env) }),
    ...(user !== undefined && { user: checkText('user', user) }),
    ...(timeout !== undefined && { timeoutMs: checkTimeout(timeout) }),
    ...(killSignal !== undefined && { killSignal: checkSignal('killSignal', killSignal) }),
    ...(pty !== undefined && pty !== false && { pty: checkPty(pty) }),
  };
}

function checkArgv(file: string, args: readonly string[]): readonly string[] {
  if (typeof file !== 'string' || file === '')
    throw invalid(`the program to run must be a name or a path, got ${show(file)}`);
  if (!Array.isArray(args)) throw invalid(`the arguments of '${file}' must be an array of strings, got ${show(args)}`);
  for (const argument of [file, ...(args as readonly unknown[])]) {
    if (typeof argument !== 'string')
      throw invalid(`every argument of '${file}' must be a string, got ${show(argument)}`);
    if (argument.includes('\0'))
      throw invalid(`an argument of '${file}' holds a NUL, which no program can be given: ${show(argument)}`);
  }
  return [file, ...args];
}

function checkEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string | null> {
  const checked: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name === '' || /[=\0]/.test(name))
      throw invalid(`the \`env\` option names a variable ${show(name)}, which cannot be one`);
    if (value !== undefined && (typeof value !== 'string' || value.includes('\0'))) {
      throw invalid(`the variable '${name}' of the \`env\` option must be a string without NUL, got ${show(value)}`);
    }
    checked[name] = value ?? null;
  }
  return checked;
}

function checkTimeout(timeout: number): number {
  if (Number.isInteger(timeout) && timeout > 0 && timeout <= MAX_TIMEOUT) return timeout;
  throw invalid(`expected the \`timeout\` option to be a whole number of milliseconds above 0, got ${show(timeout)}`);
}

/** A signal's name, as the guest knows it. */
export function checkSignal(option: string, signal: string): NodeJS.Signals {
  if (typeof signal === 'string' && isSignal(signal)) return signal;
  throw invalid(`expected the \`${option}\` option to be a signal such as 'SIGTERM', got ${show(signal)}`);
}

function checkText(option: string, value: string): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw invalid(`expected the \`${option}\` option to be a text, got ${show(value)}`);
}

function checkPty(pty: true | { readonly cols: number; readonly rows: number; readonly term?: string }): {
  readonly cols: number;
  readonly rows: number;
  readonly term: string;
} {
  if (pty === true) return DEFAULT_PTY;
  const { cols, rows, term = DEFAULT_PTY.term } = pty;
  return { cols: checkCells('pty.cols', cols), rows: checkCells('pty.rows', rows), term: checkText('pty.term', term) };
}

/** Columns or rows of a terminal. */
export function checkCells(option: string, value: number): number {
  if (Number.isInteger(value) && value > 0 && value <= 0xffff) return value;
  throw invalid(`expected \`${option}\` to be a whole number from 1 to 65535, got ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 200)}'` : `\`${String(value)}\` (${typeof value})`;
}

function invalid(message: string): VzshellError {
  return new VzshellError('ERR_INVALID_OPTION', message);
}
