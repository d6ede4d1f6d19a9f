// A log as it grows. The supervisor keeps logs bounded by moving the full one aside, so following means noticing another file
// under the same name: no byte is missed as long as a file is read to its end before the next one is opened.

import { closeSync, fstatSync, openSync, readSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

export interface FollowOptions {
  /** Gone when the log will not grow any more: its removal ends the following. */
  readonly aliveFile: string;
  readonly onData: (bytes: Buffer) => void;
  readonly signal: AbortSignal;
}

/** Gives what is appended to `path` after its first `offset` bytes, until aborted or until `aliveFile` is gone. */
export async function follow(
  path: string,
  offset: number,
  { aliveFile, onData, signal }: FollowOptions,
): Promise<void> {
  const reader = new LogReader(path, offset);
  const watcher = watch(dirname(path), { signal });
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        const ended = !exists(aliveFile);
        reader.read(onData);
        if (ended) resolve();
      };
      watcher.on('change', look).on('error', (error) => (signal.aborted ? resolve() : reject(error)));
      signal.addEventListener('abort', () => resolve());
      // Between the caller's reading and the watch something may have been written.
      look();
    });
  } finally {
    watcher.close();
    reader.close();
  }
}

class LogReader {
  readonly #path: string;
  #file: number | null = null;
  #offset: number;

  constructor(path: string, offset: number) {
    this.#path = path;
    this.#offset = offset;
  }

  read(onData: (bytes: Buffer) => void): void {
    this.#file ??= this.#open();
    if (this.#file === null) return;
    this.#drain(this.#file, onData);
    const current = statSync(this.#path, { throwIfNoEntry: false });
    const mine = fstatSync(this.#file);
    const replaced = current !== undefined && current.ino !== mine.ino;
    if (!replaced && mine.size >= this.#offset) return;
    this.close();
    this.#offset = 0;
    this.#file = this.#open();
    if (this.#file !== null) this.#drain(this.#file, onData);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #open(): number | null {
    try {
      return openSync(this.#path, 'r');
    } catch {
      return null;
    }
  }

  #drain(file: number, onData: (bytes: Buffer) => void): void {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, this.#offset);
      if (length === 0) return;
      this.#offset += length;
      onData(Buffer.from(buffer.subarray(0, length)));
    }
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
