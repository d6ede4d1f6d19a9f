import { VzshellError } from '../errors.ts';
import type { HostDirectory } from './host-directory.ts';

/**
 * Gives a finished copy its name. A directory that is there already is merged with, a file is replaced, a link is replaced and never
 * followed; a file and a directory do not replace each other.
 */
export async function place(
  from: HostDirectory,
  name: string,
  to: HostDirectory,
  as: string,
  shown: string,
): Promise<void> {
  const there = await to.look(as);
  const copy = await from.look(name);
  if (there !== null && copy !== null && there.isDirectory() !== copy.isDirectory()) {
    const [what, is] = copy.isDirectory() ? ['directory', 'is not one'] : ['file', 'is a directory'];
    throw new VzshellError('ERR_INVALID_OPTION', `cannot copy a ${what} to '${shown}', which exists and ${is}`, {
      details: { errno: copy.isDirectory() ? 'ENOTDIR' : 'EISDIR', path: shown },
    });
  }
  if (there === null || !there.isDirectory()) {
    await from.move(name, to, as);
    return;
  }
  const source = await from.enter(name);
  try {
    // Its own mode may forbid what empties it.
    await source.chmod(0o700);
    const target = await to.enter(as);
    try {
      for (const child of await source.names()) await place(source, child, target, child, `${shown}/${child}`);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
