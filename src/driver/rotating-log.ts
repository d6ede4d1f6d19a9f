// A log that somebody else fills (the guest's console, a child's stderr) and that must not fill the disk: at `maxBytes` the
// file becomes `<path>.1` and a new one is begun. Writes are synchronous: what was read is on its way to the disk before the
// next read, so that memory stays bounded and a crash loses nothing that came before it.

import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** A bounded log file and its one predecessor. */
export class RotatingLog {
  readonly path: string;
  readonly #maxBytes: number;
  #file: number | null = null;
  #size = 0;
  #closed = false;

  constructor(path: string, maxBytes: number) {
    this.path = path;
    this.#maxBytes = maxBytes;
    // What an earlier run left would be taken for this one's.
    rmSync(`${path}.1`, { force: true });
    this.#open();
  }

  /** Appends. Never throws: a full host disk must not take the machine's supervisor down; what does not fit is dropped. */
  write(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#closed) {
      if (this.#size >= this.#maxBytes) this.#rotate();
      const part = rest.subarray(0, this.#maxBytes - this.#size);
      if (this.#file === null) return;
      try {
        this.#size += writeSync(this.#file, part);
      } catch {
        return;
      }
      rest = rest.subarray(part.length);
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #rotate(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#size = 0;
    try {
      renameSync(this.path, `${this.path}.1`);
    } catch {
      // Nothing to keep.
    }
    this.#open();
  }

  #open(): void {
    try {
      this.#file = openSync(this.path, 'w', 0o600);
    } catch {
      // The disk is full or read-only; writes are dropped, and the next rotation tries again.
    }
  }
}
