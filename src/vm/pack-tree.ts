import { type BigIntStats, createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { VzshellError } from '../errors.ts';
import { TAR_END, type TarEntry, tarHeader, tarPadding } from './tar-header.ts';

/** What a copy did. */
export interface CopyReport {
  readonly entries: number;
  /** Paths of sockets, devices and named pipes, which have no content to copy. */
  readonly skipped: readonly string[];
}

/** A host tree as a tar whose entries begin with `name`. Reads no faster than it is read; fills `skipped` as it goes. */
export async function* packTree(
  path: string,
  name: string,
  skipped: string[],
): AsyncGenerator<Buffer, void, undefined> {
  /** First name of every inode that has several. */
  const seen = new Map<string, string>();

  async function* pack(from: string, as: string): AsyncGenerator<Buffer, void, undefined> {
    const stat = await lstatNamed(from);
    const entry = {
      name: as,
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      size: 0,
      mtimeNs: stat.mtimeNs,
    } satisfies Omit<TarEntry, 'type'>;
    if (stat.isDirectory()) {
      yield tarHeader({ ...entry, name: `${as}/`, type: 'directory' });
      for (const child of (await readdir(from)).sort()) yield* pack(join(from, child), `${as}/${child}`);
    } else if (stat.isSymbolicLink()) {
      yield tarHeader({ ...entry, type: 'symlink', linkname: await readlink(from) });
    } else if (stat.isFile()) {
      const inode = `${stat.dev}:${stat.ino}`;
      const first = seen.get(inode);
      if (first !== undefined) {
        yield tarHeader({ ...entry, type: 'link', linkname: first });
        return;
      }
      if (stat.nlink > 1n) seen.set(inode, as);
      yield* packFile(from, { ...entry, type: 'file', size: Number(stat.size) });
    } else {
      skipped.push(from);
    }
  }

  yield* pack(path, name);
  yield TAR_END;
}

/** A file that grows meanwhile is copied up to the size that it had; one that shrinks cannot be told to the guest any more. */
async function* packFile(path: string, entry: TarEntry): AsyncGenerator<Buffer, void, undefined> {
  yield tarHeader(entry);
  if (entry.size === 0) return;
  let missing = entry.size;
  for await (const chunk of createReadStream(path, { end: entry.size - 1, highWaterMark: 256 * 1024 })) {
    missing -= (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (missing > 0)
    throw new VzshellError('ERR_INVALID_STATE', `'${path}' became shorter while it was copied`, { hint: 'copy again' });
  yield tarPadding(entry.size);
}

async function lstatNamed(path: string): Promise<BigIntStats> {
  try {
    return await lstat(path, { bigint: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = path.includes('\ufffd')
      ? 'its name is not UTF-8'
      : code === 'ENOENT'
        ? 'there is no such file or directory'
        : message;
    throw new VzshellError('ERR_INVALID_OPTION', `cannot copy '${path}': ${why}`, {
      cause,
      details: { errno: code, path },
    });
  }
}
