// The contents of files in the guest, as bytes and as streams.

import { Readable, Writable } from 'node:stream';
import { onAbort } from '../agent/abort.ts';
import type { StreamStart } from '../agent/operations.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';
import { type CommandContext, explain, explained } from './context.ts';
import { fsError } from './fs-error.ts';
import { gather } from './gather.ts';
import { checkInput, type Input, writeAll } from './input.ts';
import type { Abortable } from './types.ts';

/** Largest file that is read into memory at once. */
const MAX_FILE = 1024 ** 3;

export interface FileRange extends Abortable {
  readonly user?: string;
  readonly start?: number;
  readonly end?: number;
}

export interface FileWriting extends Abortable {
  readonly user?: string;
  readonly mode?: number;
  readonly flag?: 'w' | 'a' | 'wx';
}

export async function readGuestFile(context: CommandContext, path: string, options: FileRange): Promise<Buffer> {
  const stream = await openFile(context, readStart(path, options), options);
  const tooLarge = (): void => {
    const hint = 'use createReadStream';
    stream.destroy(
      new VzshellError('ERR_GUEST_FS', `'${path}' is over ${MAX_FILE} bytes`, { hint, details: { errno: 'EFBIG' } }),
    );
  };
  const bytes = gather(stream.data, MAX_FILE, undefined, tooLarge);
  await withAbort(context, stream, options.signal);
  return bytes;
}

export async function writeGuestFile(
  context: CommandContext,
  path: string,
  data: Input,
  options: FileWriting,
): Promise<void> {
  checkInput(data);
  const stream = await openFile(context, writeStart(path, options), options);
  stream.data.resume();
  const written = writeAll(stream.input, data).catch((error: unknown) => {
    // When the guest failed, its reason is in `ended`; when the source did, the file is not to look complete.
    stream.destroy(error);
  });
  await withAbort(context, stream, options.signal);
  await written;
}

/** Opens with the first read. */
export function readableFile(context: CommandContext, path: string, options: FileRange): Readable {
  async function* contents(): AsyncGenerator<Buffer, void, undefined> {
    try {
      const stream = await openFile(context, readStart(path, options), options);
      const ended = withAbort(context, stream, options.signal);
      ended.catch(() => undefined);
      try {
        yield* stream.data;
        await ended;
      } finally {
        stream.destroy();
      }
    } catch (error) {
      throw fsError('read', path, await explain(context, error));
    }
  }
  return Readable.from(contents(), { objectMode: false, highWaterMark: 64 * 1024 });
}

/** Opens at once. `finish` comes when the guest has closed the file, so that a full disk is an error and not a surprise. */
export function writableFile(context: CommandContext, path: string, options: FileWriting): Writable {
  let stream: AgentStream | undefined;
  let ended: Promise<void> = Promise.resolve();
  const writable = new Writable({
    construct: (callback) => {
      openFile(context, writeStart(path, options), options).then(
        (opened) => {
          stream = opened;
          stream.data.resume();
          ended = withAbort(context, opened, options.signal);
          ended.catch((error: unknown) => writable.destroy(fsError('write', path, error)));
          callback();
        },
        (error: unknown) => callback(fsError('write', path, error)),
      );
    },
    write: (chunk: Buffer, _encoding, callback) => {
      stream?.input.write(chunk, callback);
    },
    final: (callback) => {
      stream?.input.end();
      ended.then(
        () => callback(),
        (error: unknown) => callback(fsError('write', path, error)),
      );
    },
    destroy: (error, callback) => {
      stream?.destroy();
      callback(error);
    },
  });
  return writable;
}

/** Waits for the guest's last word. */
async function withAbort(context: CommandContext, stream: AgentStream, signal: AbortSignal | undefined): Promise<void> {
  const off = onAbort(signal, (reason) => stream.destroy(reason));
  try {
    await explained(context, () => stream.ended);
  } finally {
    off();
  }
}

function openFile(context: CommandContext, start: StreamStart, { signal }: Abortable): Promise<AgentStream> {
  return explained(context, () => context.agent.open(start, signal && { signal }));
}

function readStart(path: string, { user, start = 0, end }: FileRange): StreamStart {
  const range = {
    ...(start > 0 && { offset: start }),
    ...(end !== undefined && { length: Math.max(0, end - start + 1) }),
  };
  return { op: 'readFile', path, ...range, ...(user !== undefined && { user }) };
}

function writeStart(path: string, { user, mode, flag }: FileWriting): StreamStart {
  return {
    op: 'writeFile',
    path,
    ...(mode !== undefined && { mode }),
    ...(flag !== undefined && { flag }),
    ...(user !== undefined && { user }),
  };
}
