import { posix } from 'node:path';
import { VzshellError } from '../errors.ts';

/** A path in the guest, absolute: what is relative counts from `cwd`, as it does for a command. */
export function guestPath(what: string, path: string, cwd: string): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new VzshellError('ERR_INVALID_OPTION', `expected ${what} to be a path in the guest, got '${String(path)}'`);
  }
  return posix.resolve(cwd, path);
}
