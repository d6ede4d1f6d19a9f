import type { Readable, Writable } from 'node:stream';
import { ByteCollector } from '../agent/collector.ts';

/**
 * Gathers a stream to its end, at most `limit` bytes of it, and passes the bytes on to `tee` at the pace that it takes them.
 * Calls `onFull` at the first byte over the limit. Resolves with what came, also when the stream broke: why is told elsewhere.
 */
export function gather(
  stream: Readable,
  limit: number,
  tee: Writable | undefined,
  onFull: () => void,
): Promise<Buffer> {
  const collector = new ByteCollector(limit);
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      const fits = collector.add(chunk);
      if (tee?.writable === true && !tee.write(chunk)) pauseUntilDrained(stream, tee);
      if (!fits) onFull();
    });
    if (stream.closed) resolve(collector.bytes());
    else stream.on('close', () => resolve(collector.bytes()));
  });
}

/** A tee that closes instead of draining must not stop the command for ever. */
export function pauseUntilDrained(source: Readable, sink: Writable): void {
  source.pause();
  const go = (): void => {
    sink.off('drain', go).off('close', go).off('error', go);
    source.resume();
  };
  sink.on('drain', go).on('close', go).on('error', go);
}
