// gzip, zstd and xz, by the ending of a name. Each decompressor is loaded when its format comes along: gzip is Node's own; zstd is too
// from Node 22.15 on, before that fzstd does it; xz is WebAssembly.

import { pipeline, Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import * as zlib from 'node:zlib';
import { VzshellError } from '../errors.ts';
import { imageProblem, megabytes } from './problem.ts';

/** Bytes that a decompressor gets at once: what it makes of them is in memory, and may be ten thousand times as much. */
const SLICE = 4096;

/** The contents of a file that is called `name`, decompressed. Damage, and more than `limit` bytes, reject with `ERR_IMAGE`. */
export async function* decompress(
  name: string,
  source: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncIterable<Uint8Array> {
  let size = 0;
  // What fails before the decompressor is not damage of the file.
  let before: { readonly error: unknown } | null = null;
  const guarded = async function* (): AsyncIterable<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      before = { error };
      throw error;
    }
  };
  try {
    for await (const chunk of decompressor(name)(guarded(), limit)) {
      size += chunk.length;
      if (size > limit) throw tooBig(name, limit);
      yield chunk;
    }
  } catch (error) {
    if (before !== null) throw (before as { readonly error: unknown }).error;
    if (error instanceof VzshellError) throw error;
    throw imageProblem('format', `${name} is damaged: ${(error as Error).message}`, {
      cause: error,
      details: { file: name },
    });
  }
}

type Decompressor = (source: AsyncIterable<Uint8Array>, limit: number) => AsyncIterable<Uint8Array>;

function decompressor(name: string): Decompressor {
  if (/\.t?gz$/.test(name)) return (source) => through(source, zlib.createGunzip());
  if (name.endsWith('.zst')) return (source, limit) => zstd(name, source, limit);
  if (name.endsWith('.xz')) return xz;
  return (source) => source;
}

/** A failure on either side ends both, and comes out here. */
function through(source: AsyncIterable<Uint8Array>, transform: zlib.Gunzip): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(source), transform, () => undefined);
}

async function* zstd(name: string, source: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<Uint8Array> {
  const native = (zlib as { createZstdDecompress?: () => zlib.Gunzip }).createZstdDecompress;
  if (native !== undefined) {
    yield* through(source, native());
    return;
  }
  const { Decompress } = await import('fzstd');
  let made: Uint8Array[] = [];
  let size = 0;
  let started = false;
  const stream = new Decompress((chunk) => {
    size += chunk.length;
    if (size > limit) throw tooBig(name, limit);
    made.push(chunk);
  });
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += SLICE) {
      stream.push(chunk.subarray(at, at + SLICE));
      started = true;
      yield* made;
      made = [];
    }
  }
  if (!started) throw new Error('unexpected EOF');
  stream.push(new Uint8Array(), true);
  yield* made;
}

async function* xz(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { XzReadableStream } = (await import('xz-decompress')).default;
  const from = ReadableStream.from(source) as unknown as ConstructorParameters<typeof XzReadableStream>[0];
  yield* new XzReadableStream(from) as unknown as ReadableStream<Uint8Array>;
}

function tooBig(name: string, limit: number): Error {
  return imageProblem('too-big', `${name} holds over ${megabytes(limit)}`, { details: { file: name } });
}
