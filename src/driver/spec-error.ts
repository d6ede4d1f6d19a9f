// How a bad machine spec is told: which option, what was written, and why not.

import { VzshellError } from '../errors.ts';

/** A failed look at a path, in the words of the person who wrote the path. */
export function pathError(option: string, path: string, error: unknown): VzshellError {
  if (error instanceof VzshellError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const why: Record<string, string> = {
    ENOENT: 'does not exist',
    ENOTDIR: 'does not exist',
    EACCES: 'may not be read',
  };
  return invalid(option, `${show(path)} ${why[code ?? ''] ?? `cannot be used: ${message}`}`, { cause: error });
}

/** An ERR_INVALID_OPTION that names its option. */
export function invalid(
  option: string,
  message: string,
  context: { hint?: string; cause?: unknown } = {},
): VzshellError {
  return new VzshellError('ERR_INVALID_OPTION', `${option}: ${message}`, { ...context, details: { option } });
}

/** A value as it was written, with control characters escaped: it is going to a terminal. */
export function show(value: unknown): string {
  return typeof value === 'string' ? `'${JSON.stringify(value).slice(1, -1)}'` : String(value);
}
