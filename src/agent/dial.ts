// The way into the guest: a unix socket on which `CONNECT <port>\n` is answered with `OK <n>\n`, then raw bytes. On Linux
// vhost-device-vsock serves it, on macOS the supervisor. A port on which nobody listens, a guest that is not up yet and one that is
// dead look alike: the socket closes without a byte.

import net from 'node:net';
import { VzshellError } from '../errors.ts';
import { onAbort } from './abort.ts';
import { ConnectionLost } from './errors.ts';
import { ProtocolError } from './protocol.ts';

export interface Dialled {
  /** Paused. Whoever takes it over listens, then resumes it. */
  readonly socket: net.Socket;
  /** What the guest sent right behind the greeting. */
  readonly rest: Buffer;
}

export interface DialOptions {
  /** Sent the moment the greeting is answered. Not before: vhost-device-vsock loses what comes together with the greeting. */
  readonly first?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Until the guest's kernel has taken the connection. Default: 30 000. */
  readonly timeoutMs?: number;
}

/** `OK 4294967295\n` and some to spare. */
const MAX_GREETING = 32;
const DIAL_TIMEOUT_MS = 30_000;

/** Connects to a vsock port of the guest. Rejects with ConnectionLost when nothing there takes the connection. */
export function dial(vsockPath: string, port: number, options: DialOptions = {}): Promise<Dialled> {
  const { signal, timeoutMs = DIAL_TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const socket = net.connect({ path: vsockPath });
    let greeting: Buffer = Buffer.alloc(0);

    const settle = (): void => {
      clearTimeout(timer);
      offAbort();
      socket.off('data', onData).off('error', onError).off('end', onEnd).pause();
    };
    const fail = (error: unknown): void => {
      settle();
      // An error of a socket that is being thrown away has nobody to go to, and would end the process.
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      greeting = greeting.length === 0 ? chunk : Buffer.concat([greeting, chunk]);
      try {
        const length = greetingLength(greeting);
        if (length === null) return;
        settle();
        if (options.first !== undefined) socket.write(options.first);
        resolve({ socket, rest: greeting.subarray(length) });
      } catch (error) {
        fail(
          new VzshellError('ERR_PROTOCOL', `${vsockPath} is not a vsock socket: ${(error as Error).message}`, {
            cause: error,
          }),
        );
      }
    };
    const onError = (cause: Error): void =>
      fail(new ConnectionLost(`cannot reach the guest at ${vsockPath}: ${cause.message}`, cause));
    const onEnd = (): void => fail(new ConnectionLost(`nothing in the guest takes connections on vsock port ${port}`));

    socket.on('data', onData).on('error', onError).on('end', onEnd);
    const timer = setTimeout(() => {
      fail(new VzshellError('ERR_TIMEOUT', `the guest did not take a connection within ${timeoutMs} ms`));
    }, timeoutMs);
    const offAbort = onAbort(signal, fail);
    socket.write(`CONNECT ${port}\n`);
  });
}

/** Bytes of a complete `OK <n>\n`, null while it is not complete. Throws ProtocolError on anything else. */
export function greetingLength(bytes: Buffer): number | null {
  const end = bytes.subarray(0, MAX_GREETING).indexOf(0x0a);
  if (end < 0 && bytes.length < MAX_GREETING) return null;
  if (end < 0 || !/^OK \d{1,10}$/.test(bytes.toString('latin1', 0, end)))
    throw new ProtocolError('it did not answer OK');
  return end + 1;
}
