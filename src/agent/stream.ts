// A stream of the agent as Node streams. Both kinds of output share one socket, and so one flow control: whoever does not read
// stalls this stream, and no other. Half-close does not cross vsock, so the end of input is a frame, and the socket is never
// ended before the last frame of the guest.

import type net from 'node:net';
import { Readable, Writable } from 'node:stream';
import { decodeError, decodeStarted, decodeTaken, parseObject, type Started } from './decode.ts';
import { type Asked, ConnectionLost, explainViolation, refusal } from './errors.ts';
import {
  encodeJson,
  type Frame,
  FrameDecoder,
  FrameType,
  HEADER_SIZE,
  MAX_PAYLOAD,
  ProtocolError,
  WINDOW,
} from './protocol.ts';

/** Bytes of output that wait for a reader before the socket is no longer read. */
const HIGH_WATER_MARK = 256 * 1024;
/** A frame is not cut off below this many bytes; far less than is out before the guest says what it has taken. */
const SMALLEST_PIECE = 16 * 1024;

type Output = 'data' | 'stderr';

export class AgentStream {
  /** Stdout of a command, or the bytes of a connection, archive or file. */
  readonly data: Readable;
  /** Stderr of a command; ends at once for everything else. */
  readonly stderr: Readable;
  /** Stdin of a command, or the bytes to the guest. Ending it sends EOF. */
  readonly input: Writable;
  /** Settles when the guest has started what was asked, or refused it. */
  readonly started: Promise<Started>;
  /** The payload of EXIT. Rejects with what the agent refused, a ConnectionLost, or the reason given to `destroy`. */
  readonly ended: Promise<Buffer>;

  readonly #socket: net.Socket;
  readonly #asked: Asked;
  readonly #decoder = new FrameDecoder();
  /** Outputs whose buffer is full; while there is one, the socket is paused. */
  readonly #full = new Set<Output>();
  #state: 'starting' | 'running' | 'over' = 'starting';
  #dataEnded = false;
  #background = false;
  #inputBytes = 0;
  /** Bytes of DATA frames that may be sent, and who waits for more. */
  #window = WINDOW;
  #widened: () => void = () => undefined;
  #settleStarted!: { resolve: (started: Started) => void; reject: (error: unknown) => void };
  #settleEnded!: { resolve: (exit: Buffer) => void; reject: (error: unknown) => void };

  /** Takes over a socket on which frames begin with `rest`. */
  constructor(socket: net.Socket, rest: Buffer, asked: Asked) {
    this.#socket = socket;
    this.#asked = asked;
    this.data = this.#output('data');
    this.stderr = this.#output('stderr');
    this.input = this.#input();
    this.started = new Promise((resolve, reject) => {
      this.#settleStarted = { resolve, reject };
    });
    this.ended = new Promise((resolve, reject) => {
      this.#settleEnded = { resolve, reject };
    });
    // A caller that looks at only one of the two, or at none, must not end the process by the other.
    this.started.catch(() => undefined);
    this.ended.catch(() => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (cause) =>
      this.#fail(new ConnectionLost(`the connection to the guest broke: ${cause.message}`, cause)),
    );
    socket.on('close', () =>
      this.#fail(new ConnectionLost('the connection to the guest closed before its work was done')),
    );
    if (rest.length > 0) this.#receive(rest);
    if (this.#state !== 'over') socket.resume();
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  /** Sends a frame that carries JSON, RESIZE or SIGNAL. Resolves when the kernel has it, or when the stream is over. */
  send(type: FrameType, value: unknown): Promise<void> {
    if (this.#state === 'over') return Promise.resolve();
    return new Promise((resolve) => this.#socket.write(encodeJson(type, value), () => resolve()));
  }

  /** Bytes of input that were sent. Whether the command has read them is not known here. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Lets this stream keep the process alive, which it does from the start. */
  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  /** Never keeps the process alive again, also while its output is read. */
  background(): void {
    this.#background = true;
    this.#socket.unref();
  }

  /** Closes the connection: the guest hangs up on what it had started. `reason` is what pending calls reject with. */
  destroy(reason?: unknown): void {
    // Not a ConnectionLost: nothing broke, so nobody is to ask why.
    this.#fail(reason ?? new Error('closed by this side'));
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) {
        this.#take(frame);
        if (this.#state === 'over') return;
      }
    } catch (error) {
      this.#fail(explainViolation(error));
    }
  }

  #take({ type, payload }: Frame): void {
    if (this.#state === 'starting' && type !== FrameType.STARTED && type !== FrameType.ERROR) {
      throw new ProtocolError(`frame of type ${type} before the start`);
    }
    switch (type) {
      case FrameType.STARTED:
        if (this.#state !== 'starting') throw new ProtocolError('started twice');
        this.#state = 'running';
        this.#settleStarted.resolve(decodeStarted(payload));
        break;
      case FrameType.DATA:
        if (this.#dataEnded) throw new ProtocolError('data after its end');
        this.#deliver('data', payload);
        break;
      case FrameType.STDERR:
        this.#deliver('stderr', payload);
        break;
      case FrameType.EOF:
        this.#dataEnded = true;
        this.data.push(null);
        break;
      case FrameType.EXIT:
        this.#finish(payload);
        break;
      case FrameType.ERROR: {
        const { code, message } = decodeError(parseObject(payload, 'ERROR'));
        this.#fail(refusal(this.#asked, code, message));
        break;
      }
      case FrameType.TAKEN:
        this.#window += decodeTaken(payload);
        if (this.#window > WINDOW) throw new ProtocolError('more was taken than was sent');
        this.#widened();
        break;
      default:
        throw new ProtocolError(`frame of type ${type} from the guest`);
    }
  }

  #deliver(output: Output, payload: Buffer): void {
    // What nobody wants any more is dropped, so that the command can go on and the exit arrives.
    if (this[output].destroyed || this[output].push(payload)) return;
    this.#full.add(output);
    this.#socket.pause();
  }

  #wanted(output: Output): void {
    if (this.#full.delete(output) && this.#full.size === 0) this.#socket.resume();
  }

  #finish(exit: Buffer): void {
    this.#state = 'over';
    if (!this.#dataEnded) this.data.push(null);
    this.stderr.push(null);
    this.#settleEnded.resolve(exit);
    this.#close();
  }

  #fail(error: unknown): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#settleStarted.reject(error);
    this.#settleEnded.reject(error);
    const cause = error instanceof Error ? error : new Error(String(error));
    if (!this.#dataEnded) this.data.destroy(cause);
    this.stderr.destroy(cause);
    this.#close();
  }

  #close(): void {
    this.#widened();
    this.input.destroy();
    this.#socket.destroy();
  }

  #output(output: Output): Readable {
    const stream = new Readable({
      highWaterMark: HIGH_WATER_MARK,
      read: () => {
        // Somebody waits for output now; until then an idle handle does not keep the process alive.
        if (this.#state !== 'over' && !this.#background) this.#socket.ref();
        this.#wanted(output);
      },
      destroy: (error, callback) => {
        this.#wanted(output);
        callback(error);
      },
    });
    // The error is also the rejection of `ended`; without a listener it would end the process of a caller who only awaits that.
    return stream.on('error', () => undefined);
  }

  #input(): Writable {
    const stream = new Writable({
      highWaterMark: MAX_PAYLOAD,
      write: (chunk: Buffer, _encoding, callback) => this.#write(chunk, callback),
      final: (callback) => {
        if (this.#state === 'over') callback();
        else this.#socket.write(frameHeader(FrameType.EOF, 0), () => callback());
      },
      destroy: (error, callback) => {
        // Like closing the write end of a pipe: the command sees the end of its input, not silence for ever.
        if (this.#state === 'running' && !stream.writableFinished) this.#socket.write(frameHeader(FrameType.EOF, 0));
        callback(error);
      },
    });
    return stream.on('error', () => undefined);
  }

  /** Sends as much as the window lets through, and the rest when that is wider. */
  #write(chunk: Buffer, callback: (error?: Error | null) => void): void {
    if (this.#state === 'over') {
      callback();
      return;
    }
    const sent = this.#sendData(chunk);
    if (sent === chunk.length) {
      callback();
      return;
    }
    this.#widened = () => {
      this.#widened = () => undefined;
      this.#write(chunk.subarray(sent), callback);
    };
  }

  /** Header and bytes are two writes that the kernel gets as one: copying the bytes behind a header would cost as much again. */
  #sendData(chunk: Buffer): number {
    let sent = 0;
    this.#socket.cork();
    while (sent < chunk.length) {
      const length = Math.min(chunk.length - sent, MAX_PAYLOAD);
      // Rather none than a small piece of a large one.
      if (this.#window < HEADER_SIZE + Math.min(length, SMALLEST_PIECE)) break;
      const payload = chunk.subarray(sent, sent + Math.min(length, this.#window - HEADER_SIZE));
      this.#socket.write(frameHeader(FrameType.DATA, payload.length));
      this.#socket.write(payload);
      this.#window -= HEADER_SIZE + payload.length;
      sent += payload.length;
    }
    this.#socket.uncork();
    this.#inputBytes += sent;
    return sent;
  }
}

function frameHeader(type: FrameType, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_SIZE);
  header.writeUInt32BE(length, 0);
  header.writeUInt8(type, 4);
  return header;
}
