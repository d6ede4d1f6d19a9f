import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { JsonLines } from './json-lines.ts';
import { type ExitRecord, MAX_START_LINE, type StartLine, type VmSpec } from './spec.ts';

/** The creator's end of the start pipe. While it is open, the VM has an owner. */
export class OwnerPipe {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #lines: StartLine[] = [];
  #wake: () => void = () => undefined;
  #closed = false;
  #exit: ExitRecord | null = null;

  /** Resolves when the supervisor closed its end, with the exit that it reported, or null when it could not. */
  readonly closed: Promise<ExitRecord | null>;
  /** Resolves when the process is gone, and its locks with it. */
  readonly processGone: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#socket = child.stdio[3] as Socket;
    this.processGone = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    const decoder = new JsonLines(MAX_START_LINE);
    this.#socket.on('data', (chunk: Buffer) => {
      for (const line of decoder.push(chunk) as StartLine[]) this.#take(line);
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#closed = true;
        this.#wake();
        resolve(this.#exit);
      });
    });
  }

  send(spec: VmSpec): void {
    this.#socket.write(`${JSON.stringify(spec)}\n`);
  }

  /** The next line of a start, or null when the pipe is closed. One caller at a time. */
  async next(): Promise<StartLine | null> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#closed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Gives the VM up: it stops, unless it was detached. */
  close(): void {
    this.#socket.destroy();
  }

  ref(): void {
    this.#socket.ref();
    this.#child.ref();
  }

  unref(): void {
    this.#socket.unref();
    this.#child.unref();
  }

  #take(line: StartLine): void {
    if (line.type === 'exit') this.#exit = line.exit;
    this.#lines.push(line);
    this.#wake();
  }
}
