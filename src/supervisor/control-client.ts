// A client of control.sock. node:http is loaded on the first request: joining a running VM needs none.

import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { type SerializedError, VzshellError } from '../errors.ts';
import { JsonLines } from './json-lines.ts';
import type { ControlEvent, ControlStatus, ExitRecord, StopRequest } from './spec.ts';

/** Bytes of the longest answer or event. */
const MAX_ANSWER = 8 * 1024 * 1024;
/** Milliseconds for requests that are answered at once. */
const PROMPT = 5_000;

/** Nobody listens: the supervisor is gone, or has not begun. */
export class NoSupervisor extends Error {}

/** True when a supervisor accepts connections there. */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

export class ControlClient {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  status(): Promise<ControlStatus> {
    return this.#call('GET', '/v1/vm', undefined, PROMPT);
  }

  /** Resolves when the machine is gone. The supervisor gives up on a guest itself, so this one waits. */
  stop(request: StopRequest): Promise<ExitRecord> {
    return this.#call('POST', '/v1/stop', request);
  }

  async detach(): Promise<void> {
    await this.#call('POST', '/v1/detach', {}, PROMPT);
  }

  /** Follows the events until the supervisor is gone. Keeps no idle script alive unless `ref` is called. */
  async events(onEvent: (event: ControlEvent) => void): Promise<EventStream> {
    const response = await this.#request('GET', '/v1/events', undefined, PROMPT);
    const { socket } = response;
    const lines = new JsonLines(MAX_ANSWER);
    const closed = new Promise<void>((resolve) => {
      response.on('data', (chunk: Buffer) => {
        for (const event of lines.push(chunk)) onEvent(event as ControlEvent);
      });
      // It ends with the process, in the middle of the answer: that is its end, not an error.
      response.on('error', () => undefined);
      response.on('close', () => resolve());
    });
    socket.unref();
    return { closed, close: () => response.destroy(), ref: () => socket.ref(), unref: () => socket.unref() };
  }

  async #call<T>(method: string, path: string, body?: unknown, timeoutMs?: number): Promise<T> {
    const response = await this.#request(method, path, body, timeoutMs);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER)
        throw new VzshellError('ERR_PROTOCOL', `${this.#path} answered with over ${MAX_ANSWER} bytes`);
      chunks.push(chunk);
    }
    const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as T & { error?: SerializedError };
    if (response.statusCode !== 200 && answer.error !== undefined) throw VzshellError.from(answer.error);
    return answer;
  }

  async #request(method: string, path: string, body: unknown, timeoutMs?: number): Promise<IncomingMessage> {
    const { request } = await import('node:http');
    const text = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Length': Buffer.byteLength(text), Connection: 'close' };
      const call = request({ socketPath: this.#path, method, path, headers });
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              call.destroy(
                new VzshellError(
                  'ERR_TIMEOUT',
                  `${this.#path} did not answer ${method} ${path} within ${timeoutMs} ms`,
                ),
              );
            }, timeoutMs);
      call.once('response', (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      call.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        const gone = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '');
        reject(gone ? new NoSupervisor(error.message, { cause: error }) : error);
      });
      call.end(text);
    });
  }
}

export interface EventStream {
  readonly closed: Promise<void>;
  close(): void;
  ref(): void;
  unref(): void;
}
