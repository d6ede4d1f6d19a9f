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
  await pipeline(input as AsyncIterable<Uint8Array | string>, sink);
}

/** Throws ERR_INVALID_OPTION on anything that has no bytes in it. */
export function checkInput(input: unknown): asserts input is Input {
  if (typeof input === 'string' || input instanceof Uint8Array || input instanceof Readable) return;
  if (typeof input === 'object' && input !== null && Symbol.asyncIterator in input) return;
  throw new VzshellError('ERR_INVALID_OPTION', `expected text, bytes or a stream of them, got \`${String(input)}\``);
}
