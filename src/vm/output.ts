import type { Readable } from 'node:stream';
import type { OutputChunk } from './types.ts';

/** Bytes that wait for the consumer before both streams are paused. */
const HIGH_WATER_MARK = 256 * 1024;

/** Both outputs of a command in the order in which they came. Leaving the loop early drops what is still to come. */
export async function* mergeOutput(
  stdout: Readable,
  stderr: Readable | null,
): AsyncGenerator<OutputChunk, void, undefined> {
  const streams = stderr === null ? [stdout] : [stdout, stderr];
  const queue: OutputChunk[] = [];
  let waiting = 0;
  let open = streams.length;
  let failure: Error | undefined;
  let wake = (): void => undefined;

  const listen = (stream: Readable, from: OutputChunk['from']): void => {
    if (stream.closed) {
      open -= 1;
      failure ??= stream.errored ?? undefined;
      return;
    }
    stream.on('data', (data: Buffer) => {
      queue.push({ from, data });
      waiting += data.length;
      if (waiting >= HIGH_WATER_MARK) for (const one of streams) one.pause();
      wake();
    });
    stream.on('error', (error) => {
      failure ??= error;
    });
    stream.on('close', () => {
      open -= 1;
      wake();
    });
  };
  listen(stdout, 'stdout');
  if (stderr !== null) listen(stderr, 'stderr');

  try {
    for (;;) {
      const chunk = queue.shift();
      if (chunk !== undefined) {
        waiting -= chunk.data.length;
        if (waiting === 0) for (const one of streams) one.resume();
        yield chunk;
      } else if (open > 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else {
        break;
      }
    }
    if (failure !== undefined) throw failure;
  } finally {
    for (const one of streams) one.destroy();
  }
}
