// The client of QEMU's monitor. QEMU is ours and not hostile, but what it relays may be long: lines are bounded.

import type { Duplex } from 'node:stream';
import { VzshellError } from '../../errors.ts';

/** Bytes. The longest answer we ask for has a few hundred. */
const MAX_LINE = 1024 * 1024;

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A monitor connection, over a socket that QEMU already holds the other end of. */
export class Qmp {
  readonly #stream: Duplex;
  readonly #onEvent: (event: QmpEvent) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #greeting: Promise<void>;
  #greeted: () => void = () => undefined;
  #nextId = 1;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #closed = false;
  /** Settles when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;

  constructor(stream: Duplex, onEvent: (event: QmpEvent) => void) {
    this.#stream = stream;
    this.#onEvent = onEvent;
    this.#greeting = new Promise((resolve) => {
      this.#greeted = resolve;
    });
    this.closed = new Promise((resolve) => {
      stream.once('close', () => {
        this.#end('the connection to QEMU has ended');
        resolve();
      });
    });
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => stream.destroy());
    stream.on('end', () => stream.destroy());
  }

  /** The greeting and the negotiation without which QEMU answers nothing. Rejects when the connection ends first. */
  async open(): Promise<void> {
    const ended = this.closed.then(() => {
      throw new VzshellError('ERR_VM_START', 'QEMU ended before its monitor answered');
    });
    ended.catch(() => undefined);
    await Promise.race([this.#greeting, ended]);
    await this.execute('qmp_capabilities');
  }

  /** Runs one command; rejects with QEMU's own message, or when the connection ends before the answer. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(gone(command));
        return;
      }
      const id = this.#nextId++;
      this.#pending.set(id, { command, resolve, reject });
      this.#stream.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0 && !this.#closed; end = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#buffered, rest.subarray(0, end)]).toString('utf8');
      this.#buffered = [];
      this.#bufferedBytes = 0;
      rest = rest.subarray(end + 1);
      this.#handle(line);
    }
    if (rest.length > 0) this.#buffered.push(rest);
    this.#bufferedBytes += rest.length;
    if (this.#bufferedBytes > MAX_LINE) this.#end(`QEMU sent a line of over ${MAX_LINE} bytes`);
  }

  #handle(line: string): void {
    const message = parse(line);
    if (message === null) this.#end('QEMU sent something that is not QMP');
    else if ('QMP' in message) this.#greeted();
    else if (typeof message.event === 'string') this.#onEvent({ event: message.event, data: object(message.data) });
    else this.#answer(Number(message.id), message);
  }

  #answer(id: number, message: Readonly<Record<string, unknown>>): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if ('return' in message) pending.resolve(message.return);
    else {
      const why = String(object(message.error).desc);
      pending.reject(new VzshellError('ERR_VM_STOPPED', `QEMU refused '${pending.command}': ${why}`));
    }
  }

  #end(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.destroy();
    this.#buffered = [];
    for (const { command, reject } of this.#pending.values()) reject(gone(command, why));
    this.#pending.clear();
  }
}

function gone(command: string, why = 'the connection to QEMU has ended'): VzshellError {
  return new VzshellError('ERR_VM_STOPPED', `no answer to '${command}': ${why}`);
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
