// Files in the guest, named and shaped like node:fs/promises. Paths are the guest's; a relative one counts from the VM's workdir.

import type { Readable, Writable } from 'node:stream';
import { decodeDirectory, decodeStat, decodeTarget } from '../agent/decode.ts';
import type { FileType, GuestStat } from '../agent/operations.ts';
import { type CommandContext, explained } from './context.ts';
import { tellingFsErrors } from './fs-error.ts';
import { readableFile, readGuestFile, writableFile, writeGuestFile } from './guest-file.ts';
import { guestPath } from './guest-path.ts';
import type { Input } from './input.ts';
import type { Abortable } from './types.ts';

export type { FileType, GuestStat } from '../agent/operations.ts';

export interface GuestFsOptions extends Abortable {
  /** Name or uid in the guest whose rights count. Default: the VM's user. */
  readonly user?: string;
}

export interface GuestReadOptions extends GuestFsOptions {
  readonly encoding?: 'utf8' | null;
}

export interface GuestRange extends GuestFsOptions {
  /** First byte. Default: 0. */
  readonly start?: number;
  /** Last byte, included. Default: the last of the file. */
  readonly end?: number;
}

export interface GuestWriteOptions extends GuestFsOptions {
  /** Of a new file. Default: 0o666 without the umask. */
  readonly mode?: number;
  /** `'w'` replaces, `'a'` appends, `'wx'` fails when the file exists. Default: `'w'`. */
  readonly flag?: 'w' | 'a' | 'wx';
}

export interface GuestDirent {
  readonly name: string;
  readonly type: FileType;
  /** The name's bytes where they are not UTF-8, else null; `name` then has U+FFFD in their place. */
  readonly nameBytes: Uint8Array | null;
}

export interface GuestFs {
  readFile(path: string, options: 'utf8' | (GuestReadOptions & { readonly encoding: 'utf8' })): Promise<string>;
  readFile(path: string, options?: GuestReadOptions & { readonly encoding?: null }): Promise<Uint8Array>;
  /** Creates or replaces a file. A stream is written as it comes. */
  writeFile(path: string, data: Input, options?: GuestWriteOptions): Promise<void>;
  readdir(path: string, options: GuestFsOptions & { readonly withFileTypes: true }): Promise<GuestDirent[]>;
  readdir(path: string, options?: GuestFsOptions & { readonly withFileTypes?: false }): Promise<string[]>;
  /** Follows links. */
  stat(path: string, options?: GuestFsOptions): Promise<GuestStat>;
  /** Of the link itself. */
  lstat(path: string, options?: GuestFsOptions): Promise<GuestStat>;
  mkdir(
    path: string,
    options?: GuestFsOptions & { readonly recursive?: boolean; readonly mode?: number },
  ): Promise<void>;
  rename(from: string, to: string, options?: GuestFsOptions): Promise<void>;
  rm(
    path: string,
    options?: GuestFsOptions & { readonly recursive?: boolean; readonly force?: boolean },
  ): Promise<void>;
  readlink(path: string, options?: GuestFsOptions): Promise<string>;
  symlink(target: string, path: string, options?: GuestFsOptions & { readonly force?: boolean }): Promise<void>;
  createReadStream(path: string, options?: GuestRange): Readable;
  /** Its `finish` event says that the guest has closed the file. */
  createWriteStream(path: string, options?: GuestWriteOptions): Writable;
}

/** Files of the VM that `context` belongs to. */
export function createGuestFs(context: CommandContext): GuestFs {
  const resolve = (path: string): string => guestPath('the path', path, context.cwd);
  const files = { context, resolve };
  return {
    readFile: readFile.bind(null, files),
    readdir: readdir.bind(null, files),
    writeFile: async (path, data, options = {}) => {
      const full = resolve(path);
      return tellingFsErrors('write', full, () => writeGuestFile(context, full, data, options));
    },
    stat: async (path, options = {}) =>
      ask(files, 'read', 'stat', { path: resolve(path), follow: true }, options, decodeStat),
    lstat: async (path, options = {}) =>
      ask(files, 'read', 'stat', { path: resolve(path), follow: false }, options, decodeStat),
    mkdir: async (path, { recursive, mode, ...options } = {}) =>
      ask(files, 'create directory', 'mkdir', { path: resolve(path), recursive, mode }, options, nothing),
    rename: async (from, to, options = {}) =>
      ask(files, 'rename', 'rename', { from: resolve(from), to: resolve(to) }, options, nothing),
    rm: async (path, { recursive, force, ...options } = {}) =>
      ask(files, 'remove', 'rm', { path: resolve(path), recursive, force }, options, nothing),
    readlink: async (path, options = {}) =>
      ask(files, 'read link', 'readlink', { path: resolve(path) }, options, decodeTarget),
    symlink: async (target, path, { force, ...options } = {}) =>
      ask(files, 'create link', 'symlink', { path: resolve(path), target, force }, options, nothing),
    createReadStream: (path, options = {}) => readableFile(context, resolve(path), options),
    createWriteStream: (path, options = {}) => writableFile(context, resolve(path), options),
  };
}

interface Files {
  readonly context: CommandContext;
  readonly resolve: (path: string) => string;
}

const nothing = (): void => undefined;

async function readFile(files: Files, path: string, options: 'utf8' | GuestReadOptions = {}): Promise<never> {
  const { encoding, ...rest } = typeof options === 'string' ? { encoding: options } : options;
  const full = files.resolve(path);
  const bytes = await tellingFsErrors('read', full, () => readGuestFile(files.context, full, rest));
  // The overloads say which of the two it is.
  return (encoding === 'utf8' ? bytes.toString() : bytes) as never;
}

type ListOptions = GuestFsOptions & { readonly withFileTypes?: boolean };

async function readdir(files: Files, path: string, { withFileTypes, ...options }: ListOptions = {}): Promise<never> {
  const entries = await ask(files, 'list', 'readdir', { path: files.resolve(path) }, options, decodeDirectory);
  return (withFileTypes === true ? [...entries] : entries.map((entry) => entry.name)) as never;
}

/** A plain request about one path. Fields that are undefined do not reach the guest: JSON leaves them out. */
function ask<T>(
  { context }: Files,
  verb: string,
  operation: string,
  body: Readonly<Record<string, unknown>>,
  { signal, user }: GuestFsOptions,
  decode: (answer: Readonly<Record<string, unknown>>) => T,
): Promise<T> {
  const options = { decode, ...(signal && { signal }) };
  return tellingFsErrors(verb, String(body.path ?? body.from), () =>
    explained(context, () => context.agent.request('POST', `/v1/fs/${operation}`, { ...body, user }, options)),
  );
}
