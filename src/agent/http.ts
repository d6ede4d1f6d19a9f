// As much of HTTP/1.1 as a host needs towards its own agent: one request a connection, an answer of bounded size, an upgrade.
// Written by hand because node:http costs a CLI tens of milliseconds to load, and cannot send a stream's first frame together
// with its request.

import { ByteCollector } from './collector.ts';
import { PROTOCOL_VERSION, ProtocolError } from './protocol.ts';

/** Largest head of an answer in bytes. */
const MAX_HEAD = 8 * 1024;
/** Largest body in bytes: a directory with a few hundred thousand names. */
const MAX_BODY = 32 * 1024 * 1024;
/** Longest line that announces a chunk, or trailer line. */
const MAX_LINE = 1024;

/** A request with a JSON body. */
export function encodeRequest(method: string, path: string, body?: unknown): Buffer {
  const json = body === undefined ? '' : JSON.stringify(body);
  const content = json === '' ? '' : `Content-Type: application/json\r\n`;
  const length = method === 'GET' ? '' : `Content-Length: ${Buffer.byteLength(json)}\r\n`;
  return Buffer.from(`${method} ${path} ${COMMON}${content}${length}Connection: close\r\n\r\n${json}`);
}

const COMMON = `HTTP/1.1\r\nHost: guest\r\nVzshell-Protocol: ${PROTOCOL_VERSION}\r\n`;

/** The request that turns a connection into a stream of frames. */
export const UPGRADE_REQUEST: Buffer = Buffer.from(
  `GET /v1/stream ${COMMON}Connection: Upgrade\r\nUpgrade: vzshell-frames\r\n\r\n`,
);

export interface Response {
  readonly status: number;
  readonly body: Buffer;
  /** What came behind the answer: frames after an upgrade. */
  readonly rest: Buffer;
}

type Part = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'close';

/** Reads one answer from bytes as they come. Throws ProtocolError on whatever is not one; keeps no more than the limits above. */
export class ResponseParser {
  #part: Part = 'head';
  #pending: Buffer = Buffer.alloc(0);
  #status = 0;
  /** Bytes of the body, or of its current chunk, that are still to come. */
  #missing = 0;
  readonly #body = new ByteCollector(MAX_BODY);

  /** The answer once it is complete, else null. */
  push(chunk: Buffer): Response | null {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const before = this.#pending.length;
      const part = this.#part;
      const response = this.#step();
      if (response !== null) return response;
      if (this.#pending.length === before && this.#part === part) return null;
    }
  }

  /** The connection closed: the answer, if its body was to last until then. */
  end(): Response {
    if (this.#part !== 'close') throw new ProtocolError('the answer ends in its middle');
    return this.#complete();
  }

  #step(): Response | null {
    switch (this.#part) {
      case 'head':
        return this.#head();
      case 'length':
        this.#take();
        return this.#missing === 0 ? this.#complete() : null;
      case 'close':
        this.#missing = this.#pending.length;
        this.#take();
        return null;
      case 'chunk-size':
        return this.#chunkSize();
      case 'chunk':
        this.#take();
        if (this.#missing === 0) this.#part = 'chunk-end';
        return null;
      case 'chunk-end': {
        const line = this.#line();
        if (line === null) return null;
        if (line !== '') throw new ProtocolError('a chunk of the answer is longer than announced');
        this.#part = 'chunk-size';
        return null;
      }
      case 'trailer':
        return this.#line() === '' ? this.#complete() : null;
    }
  }

  #head(): Response | null {
    const end = this.#pending.subarray(0, MAX_HEAD).indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#pending.length >= MAX_HEAD) throw new ProtocolError(`the head of the answer is over ${MAX_HEAD} bytes`);
      return null;
    }
    const [first = '', ...lines] = this.#pending.toString('latin1', 0, end).split('\r\n');
    this.#pending = this.#pending.subarray(end + 4);
    const status = /^HTTP\/1\.1 ([1-5]\d\d)(?: |$)/.exec(first);
    if (!status) throw new ProtocolError('the answer is not HTTP/1.1');
    this.#status = Number(status[1]);
    const headers = parseHeaders(lines);
    if (this.#status === 101) {
      if (headers.get('upgrade')?.toLowerCase() !== 'vzshell-frames')
        throw new ProtocolError('upgraded to something else');
      return this.#complete();
    }
    if (this.#status < 200) throw new ProtocolError(`unexpected status ${this.#status}`);
    this.#choose(headers);
    return null;
  }

  #choose(headers: ReadonlyMap<string, string>): void {
    const encoding = headers.get('transfer-encoding');
    const length = headers.get('content-length');
    if (encoding !== undefined) {
      if (encoding.toLowerCase() !== 'chunked' || length !== undefined)
        throw new ProtocolError('unknown transfer encoding');
      this.#part = 'chunk-size';
    } else if (length !== undefined) {
      if (!/^\d{1,12}$/.test(length)) throw new ProtocolError('the length of the answer is not a number');
      this.#announce(Number(length));
      this.#part = 'length';
    } else {
      this.#part = this.#status === 204 ? 'length' : 'close';
    }
  }

  #chunkSize(): null {
    const line = this.#line();
    if (line === null) return null;
    const size = /^([0-9a-fA-F]{1,8})(?:;.*)?$/.exec(line)?.[1];
    if (size === undefined) throw new ProtocolError('a chunk of the answer has no size');
    this.#announce(Number.parseInt(size, 16));
    this.#part = this.#missing === 0 ? 'trailer' : 'chunk';
    return null;
  }

  #announce(length: number): void {
    if (length + this.#body.size > MAX_BODY) throw new ProtocolError(`an answer of over ${MAX_BODY} bytes`);
    this.#missing = length;
  }

  #take(): void {
    const taken = this.#pending.subarray(0, this.#missing);
    if (!this.#body.add(taken)) throw new ProtocolError(`an answer of over ${MAX_BODY} bytes`);
    this.#missing -= taken.length;
    this.#pending = this.#pending.subarray(taken.length);
  }

  #line(): string | null {
    const end = this.#pending.subarray(0, MAX_LINE).indexOf('\r\n');
    if (end < 0) {
      if (this.#pending.length >= MAX_LINE) throw new ProtocolError('a line of the answer is too long');
      return null;
    }
    const line = this.#pending.toString('latin1', 0, end);
    this.#pending = this.#pending.subarray(end + 2);
    return line;
  }

  #complete(): Response {
    return { status: this.#status, body: this.#body.bytes(), rest: this.#pending };
  }
}

function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || /\s/.test(name) || headers.has(name))
      throw new ProtocolError('a header of the answer is malformed');
    headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}
