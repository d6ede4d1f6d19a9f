// A directory of the host that stays the one it was. The guest may write to the place where we write (the project is shared), so a
// directory that was checked by name may be a link a moment later. Everything below goes through an open descriptor instead.
//
// On Linux `/proc/self/fd/N/name` is openat() for programs that have no openat(). macOS has no such path: there every open refuses
// links in any part of the path (O_NOFOLLOW_ANY); making a directory or a link has no such flag, which leaves the moment between
// opening a directory and making a name in it.

import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';
import { platform } from 'node:process';

const O_NOFOLLOW_ANY = 0x20000000;
const NO_LINK = platform === 'darwin' ? O_NOFOLLOW_ANY : constants.O_NOFOLLOW;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

export class HostDirectory {
  readonly #handle: FileHandle;
  readonly #base: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#base = platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path;
  }

  /** A directory that the user named: links on the way to it are the user's own. */
  static async open(path: string): Promise<HostDirectory> {
    const real = await realpath(path);
    return new HostDirectory(await open(real, DIRECTORY | NO_LINK), real);
  }

  /** A directory in this one. Rejects with ELOOP or ENOTDIR when it is a link. */
  async enter(name: string): Promise<HostDirectory> {
    const path = this.at(name);
    return new HostDirectory(await open(path, DIRECTORY | NO_LINK), path);
  }

  /** Path of a name in this directory, good while the directory is open. */
  at(name: string): string {
    return `${this.#base}/${name}`;
  }

  /** A file that did not exist. */
  create(name: string): Promise<FileHandle> {
    return open(this.at(name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_LINK, 0o600);
  }

  /** A private directory; false when the name is taken, by whatever. */
  async makeDirectory(name: string): Promise<boolean> {
    try {
      await mkdir(this.at(name), 0o700);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  async makeLink(name: string, target: string, mtime: number): Promise<void> {
    await symlink(target, this.at(name));
    await lutimes(this.at(name), mtime, mtime);
  }

  /** Another name, here, for a file of `from`. */
  async linkFile(from: HostDirectory, existing: string, name: string): Promise<void> {
    await link(from.at(existing), this.at(name));
  }

  /** What a name is, links not followed; null when there is nothing. */
  async look(name: string): Promise<Stats | null> {
    try {
      return await lstat(this.at(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  names(): Promise<string[]> {
    return readdir(this.#base);
  }

  /** Moves a name to another directory. A directory that may not be written could not be moved, so it may for that moment. */
  async move(name: string, to: HostDirectory, as: string): Promise<void> {
    const stat = await lstat(this.at(name));
    if (!stat.isDirectory()) {
      await rename(this.at(name), to.at(as));
      return;
    }
    const moved = await this.enter(name);
    try {
      await moved.chmod((stat.mode & 0o777) | 0o700);
      await rename(this.at(name), to.at(as));
      await moved.chmod(stat.mode & 0o777);
    } finally {
      await moved.close();
    }
  }

  /** Deletes a name and, when it is a directory, all that is in it, whatever its modes say. */
  async remove(name: string): Promise<void> {
    const stat = await this.look(name);
    if (stat === null) return;
    if (!stat.isDirectory()) return unlink(this.at(name));
    const directory = await this.enter(name);
    try {
      await directory.chmod(0o700);
      for (const child of await directory.names()) await directory.remove(child);
    } finally {
      await directory.close();
    }
    await rmdir(this.at(name));
  }

  chmod(mode: number): Promise<void> {
    return this.#handle.chmod(mode);
  }

  /** `mtime` in seconds. */
  async touch(mtime: number): Promise<void> {
    await this.#handle.utimes(mtime, mtime);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
