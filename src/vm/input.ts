import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { VzshellError } from '../errors.ts';

/** What can be given where bytes are wanted. */
export type Input = string | Uint8Array | Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;

/** Writes all of `input` and ends `sink`. Resolves when the sink has finished; rejects with the error of either side. */
export async function writeAll(sink: Writable, input: Input): Promise<void> {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    return new Promise((resolve, reject) => {
      sink.once('finish', resolve).once('error', reject).once('close', resolve);
      sink.end(input);
    });
  }
  if (input === null || typeof input !== 'object' || !(input instanceof Readable || Symbol.asyncIterator in input)) {
    sink.destroy();
    throw new VzshellError('ERR_INVALID_OPTION', `expected text, bytes or a stream of them, got \`${String(input)}\``);
  }
  await pipeline(input as AsyncIterable<Uint8Array | string>, sink);
}
