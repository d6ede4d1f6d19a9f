// A tar from the guest, onto the host's disk. The guest is hostile: an entry may name any path, a link may point anywhere, sizes may
// lie. What is written stays below one directory, is never written through a link, and is bounded; anything odd ends the extraction.

import type { FileHandle } from 'node:fs/promises';
import { finished, type Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { escapeLine } from '../agent/escape.ts';
import { VzshellError } from '../errors.ts';
import type { HostDirectory } from './host-directory.ts';

export interface ExtractLimits {
  /** Of all files together. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** In bytes, as on Linux. */
const MAX_NAME = 255;
const MAX_PATH = 4095;
/** Every level is an open descriptor. */
const MAX_DEPTH = 200;
/** Set-user-id, set-group-id and sticky bits of a guest mean nothing good on the host. */
const MODE_MASK = 0o777;

/** An entry of the archive, as much of tar-stream's as is used. */
interface Entry extends AsyncIterable<Buffer> {
  readonly header: Header;
  resume(): unknown;
}

/** A directory that is being filled. Its mode and time are set when it is left: both would be spoilt, or in the way, before. */
interface Open {
  readonly name: string;
  readonly directory: HostDirectory;
  mode: number;
  mtime: number | null;
}

/**
 * Extracts an archive whose entries all begin with the same name into `into`, as `as`. Resolves with the number of entries when the
 * archive has ended; rejects, with whatever was written left behind, when it is not one that may be extracted.
 */
export async function extractTree(
  archive: Readable,
  into: HostDirectory,
  as: string,
  limits: ExtractLimits,
): Promise<number> {
  const tar = extract();
  // Also when it broke before it came here: a pipe from a dead stream would wait for ever.
  finished(archive, (error) => {
    if (error) tar.destroy(error);
  });
  archive.pipe(tar);
  const tree = new Tree(into, as, limits);
  try {
    let entries = 0;
    // Its type speaks of streamx, which brings no types.
    for await (const entry of tar as unknown as AsyncIterable<Entry>) {
      entries += 1;
      if (entries > limits.maxEntries) throw refuse(`it has over ${limits.maxEntries} entries`);
      await tree.add(entry);
    }
    return entries;
  } catch (error) {
    throw error instanceof Error && /tar header|Invalid header|Header exceeds|Unexpected end/.test(error.message)
      ? refuse('it is damaged', error)
      : error;
  } finally {
    await tree.close();
  }
}

class Tree {
  readonly #into: HostDirectory;
  readonly #as: string;
  readonly #limits: ExtractLimits;
  /** From the root to the directory of the last entry. */
  readonly #open: Open[] = [];
  #root: string | null = null;
  #bytes = 0;

  constructor(into: HostDirectory, as: string, limits: ExtractLimits) {
    this.#into = into;
    this.#as = as;
    this.#limits = limits;
  }

  async add(entry: Entry): Promise<void> {
    const { header } = entry;
    const path = this.#components(header.name, 'an entry');
    const name = path.at(-1) ?? '';
    const where = await this.#enter(path.slice(0, -1));
    try {
      switch (header.type) {
        case 'directory':
          await this.#directory(path, header);
          break;
        case 'file':
          await this.#file(where, name, entry);
          break;
        case 'symlink':
          await where.makeLink(name, checkTarget(header), mtimeOf(header));
          break;
        case 'link':
          await this.#hardLink(where, name, header);
          break;
        default:
          throw refuse(`${quote(header.name)} is a ${header.type ?? 'thing of an unknown kind'}`);
      }
    } catch (error) {
      throw namesEntry(error, header.name);
    }
    entry.resume();
  }

  async close(): Promise<void> {
    await this.#leave(0);
  }

  /** The components below `into`, the archive's first one replaced by the name that we chose. */
  #components(name: string, what: string): string[] {
    if (name.includes('\0') || Buffer.byteLength(name) > MAX_PATH)
      throw refuse(`${what} has an impossible name: ${quote(name)}`);
    const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
    for (const part of parts) {
      if (part === '' || part === '.' || part === '..' || Buffer.byteLength(part) > MAX_NAME) {
        throw refuse(`${what} leads out of the directory, or nowhere: ${quote(name)}`);
      }
    }
    if (parts.length > MAX_DEPTH) throw refuse(`${what} is over ${MAX_DEPTH} directories deep`);
    const [root = '', ...rest] = parts;
    this.#root ??= root;
    if (root !== this.#root) throw refuse(`${what} is outside of the tree that was asked for: ${quote(name)}`);
    return [this.#as, ...rest];
  }

  /** The open directory at `path`; closes what is not on the way to it. */
  async #enter(path: readonly string[]): Promise<HostDirectory> {
    let shared = 0;
    while (shared < path.length && this.#open[shared]?.name === path[shared]) shared += 1;
    await this.#leave(shared);
    for (const name of path.slice(shared)) {
      const parent = this.#open.at(-1)?.directory ?? this.#into;
      await parent.makeDirectory(name);
      this.#open.push({ name, directory: await enterReal(parent, name), mode: 0o755, mtime: null });
    }
    return this.#open.at(-1)?.directory ?? this.#into;
  }

  async #leave(depth: number): Promise<void> {
    while (this.#open.length > depth) {
      const { directory, mode, mtime } = this.#open.pop() as Open;
      try {
        await directory.chmod(mode);
        if (mtime !== null) await directory.touch(mtime);
      } finally {
        await directory.close();
      }
    }
  }

  async #directory(path: readonly string[], header: Header): Promise<void> {
    await this.#enter(path);
    const open = this.#open.at(-1) as Open;
    open.mode = modeOf(header);
    open.mtime = mtimeOf(header);
  }

  async #file(where: HostDirectory, name: string, entry: Entry): Promise<void> {
    const { header } = entry;
    if (this.#bytes + header.size > this.#limits.maxBytes) throw refuse(`it is over ${this.#limits.maxBytes} bytes`);
    const file = await where.create(name);
    try {
      for await (const chunk of entry) {
        this.#bytes += chunk.length;
        await writeAll(file, chunk);
      }
      await file.chmod(modeOf(header));
      await file.utimes(mtimeOf(header), mtimeOf(header));
    } finally {
      await file.close();
    }
  }

  /** Only to a file that this archive brought: found by the same steps, none of which follows a link. */
  async #hardLink(where: HostDirectory, name: string, header: Header): Promise<void> {
    const path = this.#components(header.linkname ?? '', 'a hard link');
    const existing = path.pop() ?? '';
    let from = this.#into;
    const opened: HostDirectory[] = [];
    try {
      for (const part of path) {
        from = await enterReal(from, part);
        opened.push(from);
      }
      const target = await from.look(existing);
      if (target === null || !target.isFile())
        throw refuse(`${quote(header.name)} is a hard link to something that is not in it`);
      await where.linkFile(from, existing, name);
    } finally {
      for (const directory of opened) await directory.close();
    }
  }
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) offset += (await file.write(chunk, offset)).bytesWritten;
}

async function enterReal(parent: HostDirectory, name: string): Promise<HostDirectory> {
  try {
    return await parent.enter(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP' || code === 'ENOTDIR')
      throw refuse(`an entry goes through ${quote(name)}, which is not a directory`, error);
    if (code === 'ENOENT') throw refuse(`an entry refers to ${quote(name)}, which is not in it`, error);
    throw error;
  }
}

function modeOf(header: Header): number {
  return header.mode & MODE_MASK;
}

/** Seconds. Pax knows fractions; Node keeps them to the microsecond or so. */
function mtimeOf(header: Header): number {
  const pax = header.pax as Readonly<Record<string, string>> | null | undefined;
  const exact = pax?.mtime === undefined ? Number.NaN : Number(pax.mtime);
  const seconds = Number.isFinite(exact) ? exact : header.mtime.getTime() / 1000;
  // What no file system can hold would be an error of a system call, or wrap around.
  return Math.min(Math.max(seconds, -(2 ** 31)), 2 ** 33);
}

function checkTarget(header: Header): string {
  const target = header.linkname ?? '';
  if (target === '' || target.includes('\0') || Buffer.byteLength(target) > MAX_PATH) {
    throw refuse(`the link ${quote(header.name)} has no proper target`);
  }
  return target;
}

/** Host errors name a descriptor's path; the entry's name says more. */
function namesEntry(error: unknown, name: string): unknown {
  if (error instanceof VzshellError) return error;
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  // Only the host's own system calls name one; everything else says that the archive broke off.
  if (syscall === undefined) return refuse(`${quote(name)} breaks off`, error);
  if (code === 'EEXIST')
    return refuse(`${quote(name)} is in it twice, or differs from another name only by case`, error);
  return new VzshellError('ERR_INVALID_STATE', `cannot write ${quote(name)}: ${code ?? message}`, {
    cause: error,
    details: { errno: code },
  });
}

function quote(name: string): string {
  return `'${escapeLine(name, 200)}'`;
}

function refuse(why: string, cause?: unknown): VzshellError {
  return new VzshellError('ERR_PROTOCOL', `refused an archive from the guest: ${why}`, {
    cause,
    details: { reason: 'unsafe-archive' },
  });
}
