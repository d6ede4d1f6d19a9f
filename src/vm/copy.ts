// Copies between host and guest, like `cp -R`: into the destination when that is a directory, else under its name.

import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { onAbort } from '../agent/abort.ts';
import { decodeEntries, decodeStat } from '../agent/decode.ts';
import { explainViolation } from '../agent/errors.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';
import { type CommandContext, explain, explained } from './context.ts';
import { extractTree } from './extract-tree.ts';
import { fsError, tellingFsErrors } from './fs-error.ts';
import { guestPath } from './guest-path.ts';
import { HostDirectory } from './host-directory.ts';
import { type CopyReport, packTree } from './pack-tree.ts';
import { place } from './place.ts';
import type { Abortable } from './types.ts';

export type { CopyReport } from './pack-tree.ts';

export interface CopyInOptions extends Abortable {
  /** Name or uid in the guest whose rights count. Default: the VM's user. */
  readonly user?: string;
}

export interface CopyOutOptions extends CopyInOptions {
  /** Of all files together; a guest could fill the host's disk. Default: 64 GiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 64 * 1024 ** 3;
const MAX_ENTRIES = 5_000_000;
/** Name of the copy in its private directory, until it is moved to its own. */
const ROOT = 'copy';

/**
 * Copies a file or a tree into the guest: modes, times, symbolic and hard links are kept. The directory that it goes to must exist.
 * Each file has its name when it is whole. What is a socket, a device or a named pipe is left out, and named in the report.
 */
export async function copyIn(
  context: CommandContext,
  from: string,
  to: string,
  { signal, user }: CopyInOptions = {},
): Promise<CopyReport> {
  signal?.throwIfAborted();
  const source = resolve(from);
  const wanted = guestPath('the destination', to, context.cwd);
  const target = (await isGuestDirectory(context, wanted, user, signal))
    ? posix.join(wanted, basename(source))
    : wanted;
  if (target === '/') throw new VzshellError('ERR_INVALID_OPTION', `cannot copy '${from}' over the root of the guest`);
  const skipped: string[] = [];
  const archive = Readable.from(packTree(source, posix.basename(target), skipped), { objectMode: false });

  return tellingFsErrors('write', target, async () => {
    const start = { op: 'put', path: posix.dirname(target), ...(user !== undefined && { user }) } as const;
    const stream = await explained(context, () => context.agent.open(start, signal && { signal }));
    stream.data.resume();
    const off = onAbort(signal, (reason) => stream.destroy(reason));
    const sent = pipeline(archive, stream.input).catch((error: unknown) => {
      // The source failed. When the guest did, its stream is over, and says why itself.
      stream.destroy(error);
    });
    try {
      const { entries } = decodeEntries(await explained(context, () => stream.ended));
      return { entries, skipped };
    } catch (error) {
      throw explainViolation(error);
    } finally {
      off();
      archive.destroy();
      await sent;
    }
  });
}

/**
 * Copies a file or a tree out of the guest, to a directory that exists. Nothing is seen under its name before all of it has come, an
 * existing directory is merged with, an existing file is replaced. The guest is not trusted: see extract-tree.ts.
 */
export async function copyOut(
  context: CommandContext,
  from: string,
  to: string,
  { signal, user, maxBytes = MAX_BYTES }: CopyOutOptions = {},
): Promise<CopyReport> {
  signal?.throwIfAborted();
  const source = guestPath('the source', from, context.cwd);
  if (source === '/')
    throw new VzshellError('ERR_INVALID_OPTION', 'cannot copy all of the guest: name a directory in it');
  const wanted = resolve(to);
  const target = (await isHostDirectory(wanted)) ? join(wanted, posix.basename(source)) : wanted;

  const start = { op: 'get', path: source, ...(user !== undefined && { user }) } as const;
  const stream = await tellingFsErrors('read', source, () =>
    explained(context, () => context.agent.open(start, signal && { signal })),
  );
  const off = onAbort(signal, (reason) => stream.destroy(reason));
  try {
    return await receive(stream, target, maxBytes);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw fsError('read', source, await explain(context, error));
  } finally {
    off();
    stream.destroy();
  }
}

async function receive(stream: AgentStream, target: string, maxBytes: number): Promise<CopyReport> {
  const parent = await openParent(target);
  const temporary = `.vzshell-copy-${randomBytes(8).toString('hex')}`;
  try {
    await parent.makeDirectory(temporary);
    const holder = await parent.enter(temporary);
    try {
      const entries = await extractTree(stream.data, holder, ROOT, { maxBytes, maxEntries: MAX_ENTRIES });
      // Before anything gets its name: the archive is complete only when the guest says so.
      await stream.ended;
      if (entries === 0) throw new VzshellError('ERR_PROTOCOL', 'the guest sent an empty archive');
      await place(holder, ROOT, parent, basename(target), target);
      return { entries, skipped: [] };
    } finally {
      await holder.close();
    }
  } catch (error) {
    // The guest's own reason says more than that its archive broke off.
    throw stream.over
      ? await stream.ended.then(
          () => error,
          (reason: unknown) => reason,
        )
      : error;
  } finally {
    await parent.remove(temporary).finally(() => parent.close());
  }
}

async function openParent(target: string): Promise<HostDirectory> {
  const directory = dirname(target);
  try {
    return await HostDirectory.open(directory);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === 'ENOENT';
    const why = missing ? `there is no directory '${directory}'` : message;
    throw new VzshellError('ERR_INVALID_OPTION', `cannot copy to '${target}': ${why}`, {
      cause,
      ...(missing && { hint: `mkdir -p '${directory}'` }),
      details: { errno: code, path: target },
    });
  }
}

async function isHostDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function isGuestDirectory(
  context: CommandContext,
  path: string,
  user: string | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const options = { decode: decodeStat, ...(signal && { signal }) };
  try {
    const found = await explained(context, () => context.agent.request('POST', '/v1/fs/stat', { path, user }, options));
    return found.type === 'dir';
  } catch (error) {
    if (error instanceof VzshellError && error.details?.errno === 'ENOENT') return false;
    throw error instanceof VzshellError ? fsError('look at', path, error) : error;
  }
}
