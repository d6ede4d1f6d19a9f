// The host's side of the agent. Every request and every stream has a connection of its own; nothing is kept between them, so a
// client is as good as the path of its socket.

import { VzshellError } from '../errors.ts';
import { onAbort } from './abort.ts';
import {
  decodeConfigured,
  decodeError,
  decodeHello,
  decodePorts,
  decodeStats,
  decodeTime,
  type Hello,
  type ListeningPort,
  parseObject,
} from './decode.ts';
import { type Dialled, dial } from './dial.ts';
import { type Asked, ConnectionLost, explainViolation, refusal } from './errors.ts';
import { encodeRequest, type Response, ResponseParser, UPGRADE_REQUEST } from './http.ts';
import type { Configure, ConfigureResult, GuestStats, HostStoreSnapshot, StreamStart } from './operations.ts';
import { AGENT_PORT, encodeJson, FrameType, MAX_START, ProtocolError } from './protocol.ts';
import { AgentStream } from './stream.ts';

export { ConnectionLost } from './errors.ts';
export { AgentStream } from './stream.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** For the whole exchange. */
  readonly timeoutMs?: number;
}

export interface RequestOptions<T> extends CallOptions {
  /** Checks the answer. Without it the answer is parsed JSON that nobody has looked at. */
  readonly decode?: (answer: Readonly<Record<string, unknown>>) => T;
}

/** For requests that a healthy agent answers at once. */
const PROMPT_MS = 15_000;
const SYNC_MS = 120_000;

export class AgentClient {
  readonly #vsockPath: string;
  #ahead: Promise<Dialled> | null = null;

  constructor(vsockPath: string) {
    this.#vsockPath = vsockPath;
  }

  /** A plain request with a JSON body and answer. Without `timeoutMs` it waits as long as the connection stands. */
  async request<T>(method: string, path: string, body?: unknown, options: RequestOptions<T> = {}): Promise<T> {
    const answer = await this.#exchange(method, path, body, options);
    return checked(() => {
      const from = parseObject(answer.body, 'the answer');
      return options.decode === undefined ? (from as T) : options.decode(from);
    });
  }

  hello(options: CallOptions = {}): Promise<Hello> {
    return this.request('GET', '/v1/hello', undefined, { timeoutMs: PROMPT_MS, ...options, decode: decodeHello });
  }

  /** Once per boot. It mounts and may format, so how long it may take is the caller's to say. */
  configure(configure: Configure, options: CallOptions = {}): Promise<ConfigureResult> {
    return this.request('POST', '/v1/configure', configure, { ...options, decode: decodeConfigured });
  }

  time(unixMs: number, options: CallOptions = {}): Promise<{ readonly adjusted: boolean; readonly driftMs: number }> {
    return this.request('POST', '/v1/time', { unixMs }, { timeoutMs: PROMPT_MS, ...options, decode: decodeTime });
  }

  /** Only in a guest that was started with the host's store. Later users of Nix see what the snapshot has. */
  refreshStore(snapshot: HostStoreSnapshot, options: CallOptions = {}): Promise<void> {
    const limit = { timeoutMs: SYNC_MS, ...options };
    return this.request('POST', '/v1/store/refresh', snapshot, { ...limit, decode: () => undefined });
  }

  sync(options: CallOptions = {}): Promise<void> {
    return this.request('POST', '/v1/sync', {}, { timeoutMs: SYNC_MS, ...options, decode: () => undefined });
  }

  /** Resolves when the agent has begun to shut down; that the machine is gone is the driver's to say. */
  shutdown(options: CallOptions = {}): Promise<void> {
    return this.request('POST', '/v1/shutdown', {}, { timeoutMs: PROMPT_MS, ...options, decode: () => undefined });
  }

  /** To the process group of a command of a stream, past the input that waits for it. False when the command has ended. */
  signal(pid: number, signal: NodeJS.Signals, options: CallOptions = {}): Promise<boolean> {
    return this.#toCommand('/v1/signal', { pid, signal }, options);
  }

  /** The size of the terminal of a command of a stream, past the input that waits for it. False when the command has ended. */
  resize(
    pid: number,
    size: { readonly cols: number; readonly rows: number },
    options: CallOptions = {},
  ): Promise<boolean> {
    return this.#toCommand('/v1/resize', { pid, ...size }, options);
  }

  ports(options: CallOptions = {}): Promise<readonly ListeningPort[]> {
    return this.request('GET', '/v1/ports', undefined, { timeoutMs: PROMPT_MS, ...options, decode: decodePorts });
  }

  stats(options: CallOptions = {}): Promise<GuestStats> {
    return this.request('GET', '/v1/stats', undefined, { timeoutMs: PROMPT_MS, ...options, decode: decodeStats });
  }

  /** The agent's own log. Raw text of the guest: escape it before it goes to a terminal. */
  async log(options: CallOptions = {}): Promise<string> {
    const answer = await this.#exchange('GET', '/v1/log', undefined, { timeoutMs: PROMPT_MS, ...options });
    return answer.body.toString();
  }

  /** Begins to connect for the next `open`, so that the caller can make up his mind meanwhile. */
  async dialAhead(): Promise<void> {
    this.#ahead = dial(this.#vsockPath, AGENT_PORT);
    // What became of it is the next `open`'s to say.
    this.#ahead.then(
      ({ socket }) => socket.on('error', () => undefined),
      () => undefined,
    );
    // What is to be sent leaves with the next turn of the event loop, and the caller may not come to one for long.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Opens a stream. Resolves when the guest has started what was asked; what it refuses is a typed error. */
  async open(start: StreamStart, options: { readonly signal?: AbortSignal } = {}): Promise<AgentStream> {
    const { signal } = options;
    signal?.throwIfAborted();
    const first = Buffer.concat([UPGRADE_REQUEST, encodeStart(start)]);
    const dialled = await this.#dial(first, signal);
    const asked = askedBy(start);
    const answer = await readAnswer(dialled, options);
    if (answer.status !== 101) {
      dialled.socket.destroy();
      throw refused(asked, answer);
    }
    const stream = new AgentStream(dialled.socket, answer.rest, asked);
    const off = onAbort(signal, (reason) => stream.destroy(reason));
    try {
      await stream.started;
      return stream;
    } finally {
      off();
    }
  }

  async #dial(first: Buffer, signal: AbortSignal | undefined): Promise<Dialled> {
    const ahead = signal === undefined ? await this.#ahead : null;
    this.#ahead = null;
    if (ahead === null || ahead.socket.destroyed) {
      return dial(this.#vsockPath, AGENT_PORT, { first, ...(signal && { signal }) });
    }
    ahead.socket.write(first);
    return ahead;
  }

  async #toCommand(path: string, body: object, options: CallOptions): Promise<boolean> {
    try {
      await this.request('POST', path, body, { timeoutMs: PROMPT_MS, ...options, decode: () => undefined });
      return true;
    } catch (error) {
      if (error instanceof VzshellError && error.details?.reason === 'ESRCH') return false;
      throw error;
    }
  }

  async #exchange(method: string, path: string, body: unknown, options: CallOptions): Promise<Response> {
    const { signal, timeoutMs } = options;
    signal?.throwIfAborted();
    const expired = new AbortController();
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const message = `the guest agent did not answer ${method} ${path} within ${timeoutMs} ms`;
            expired.abort(new VzshellError('ERR_TIMEOUT', message));
          }, timeoutMs);
    const either = signal === undefined ? expired.signal : AbortSignal.any([signal, expired.signal]);
    try {
      const dialled = await dial(this.#vsockPath, AGENT_PORT, {
        first: encodeRequest(method, path, body),
        signal: either,
      });
      const answer = await readAnswer(dialled, { signal: either });
      dialled.socket.destroy();
      if (answer.status === 200) return answer;
      throw refused(path.startsWith('/v1/fs/') ? 'fs' : 'request', answer);
    } finally {
      clearTimeout(timer);
    }
  }
}

function encodeStart(start: StreamStart): Buffer {
  try {
    return encodeJson(FrameType.START, start);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new VzshellError('ERR_EXEC', `the arguments and the environment are together over ${MAX_START} bytes`, {
      cause,
      hint: 'give long data as input, or as a file',
      details: { reason: 'too-big' },
    });
  }
}

function askedBy(start: StreamStart): Asked {
  if (start.op === 'exec' || start.op === 'connect') return start.op;
  return 'fs';
}

/** Reads the head, and the body of a plain answer. Leaves the socket paused and without listeners, or destroyed on failure. */
function readAnswer({ socket, rest }: Dialled, { signal }: { readonly signal?: AbortSignal }): Promise<Response> {
  const parser = new ResponseParser();
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      offAbort();
      socket.off('data', onData).off('error', onError).off('close', onClose).pause();
    };
    const fail = (error: unknown): void => {
      settle();
      socket.on('error', () => undefined).destroy();
      reject(explainViolation(error));
    };
    const onData = (chunk: Buffer): void => {
      try {
        const answer = parser.push(chunk);
        if (answer === null) return;
        settle();
        // Between here and the stream's own listeners an error would have nobody to go to.
        socket.once('error', () => undefined);
        resolve(answer);
      } catch (error) {
        fail(error);
      }
    };
    const onError = (cause: Error): void =>
      fail(new ConnectionLost(`the connection to the guest broke: ${cause.message}`, cause));
    const onClose = (): void => {
      try {
        const answer = parser.end();
        settle();
        resolve(answer);
      } catch {
        fail(new ConnectionLost('the guest agent closed the connection without an answer'));
      }
    };
    let offAbort = (): void => undefined;
    socket.on('data', onData).on('error', onError).on('close', onClose);
    offAbort = onAbort(signal, fail);
    if (signal?.aborted) return;
    if (rest.length > 0) onData(rest);
    socket.resume();
  });
}

function refused(asked: Asked, answer: Response): unknown {
  try {
    const { error } = parseObject(answer.body, 'the refusal');
    const { code, message } = decodeError(error);
    return refusal(asked, code, message);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return explainViolation(new ProtocolError(`status ${answer.status} without a reason`));
  }
}

function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw explainViolation(error);
  }
}
