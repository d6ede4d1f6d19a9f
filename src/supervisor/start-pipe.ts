import { Socket } from 'node:net';
import { VzshellError } from '../errors.ts';
import { JsonLines } from './json-lines.ts';
import { MAX_START_LINE, STATE_SCHEMA, type StartLine, type VmSpec } from './spec.ts';

/** Descriptor on which the creator hands over its end of the socket pair. */
const START_FD = 3;
/** Milliseconds in which the spec must arrive. */
const PATIENCE = 10_000;

/** The supervisor's end of the start pipe. */
export class StartPipe {
  readonly #socket: Socket;
  /** Resolves when the other end is closed: its process let go of it, or died. */
  readonly closed: Promise<void>;

  constructor(fd: number = START_FD) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    // A creator that is gone shows as `close`; an EPIPE on the way there says nothing more.
    this.#socket.on('error', () => this.#socket.destroy());
    this.closed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /** The first line. Rejects when the creator goes before it is complete. */
  async readSpec(): Promise<VmSpec> {
    const lines = new JsonLines(MAX_START_LINE);
    const spec = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no spec came within ${PATIENCE} ms`)), PATIENCE);
      void this.closed.then(() => {
        clearTimeout(timer);
        reject(new Error('the creator went away before it said what to start'));
      });
      this.#socket.on('data', (chunk: Buffer) => {
        try {
          const [first] = lines.push(chunk);
          if (first === undefined) return;
          clearTimeout(timer);
          resolve(first);
        } catch (error) {
          reject(error);
        }
      });
    });
    const schema = (spec as { schema?: unknown }).schema;
    if (schema === STATE_SCHEMA) return spec as VmSpec;
    throw new VzshellError(
      'ERR_PROTOCOL',
      `the creator's spec has schema ${schema}, this supervisor knows ${STATE_SCHEMA}: two versions of vzshell are mixed`,
    );
  }

  send(line: StartLine): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(line)}\n`);
  }

  /** Lets the creator go; `closed` resolves too. */
  close(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }
}
