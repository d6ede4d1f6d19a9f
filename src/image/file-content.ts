import { createReadStream } from 'node:fs';

/** The bytes of a file. It is opened when they are first asked for: an error that came before would have nobody to go to. */
export async function* fileContent(path: string): AsyncIterable<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 256 * 1024 });
}
