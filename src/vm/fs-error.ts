import { escapeLine } from '../agent/escape.ts';
import { VzshellError } from '../errors.ts';

/** What the errno names of Linux mean to people. */
const MEANING: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the quota is used up',
  EEXIST: 'it exists already',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or directory',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a part of the path is not a directory',
  ENOTEMPTY: 'the directory is not empty',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  EXDEV: 'that is on another file system',
};

/** An errno of the guest, said with what was tried and on which path. Any other error stays as it is. */
export function fsError(verb: string, path: string, error: unknown): Error {
  if (!(error instanceof VzshellError)) return error instanceof Error ? error : new Error(String(error));
  const errno = error.code === 'ERR_GUEST_FS' ? error.details?.errno : undefined;
  if (typeof errno !== 'string') return error;
  const why = MEANING[errno] ?? error.message;
  return new VzshellError('ERR_GUEST_FS', `cannot ${verb} '${escapeLine(path)}' in the guest: ${why} (${errno})`, {
    cause: error,
    details: { errno, path },
  });
}

/** Runs `work`; a file error of the guest is told with verb and path. */
export async function tellingFsErrors<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // An abort reason may be anything, and stays what it is.
    throw error instanceof VzshellError ? fsError(verb, path, error) : error;
  }
}
