import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Integrity } from './integrity.ts';

const BLOCK = 1024 * 1024;

/** Hashes a file while it is being written, always as far as it is there without a gap: at the end little is left to read. */
export class FileDigest {
  readonly #file: FileHandle;
  readonly #hash: Hash;
  readonly #buffer: Buffer = Buffer.allocUnsafe(BLOCK);
  #at = 0;
  #end = 0;
  #running: Promise<void> = Promise.resolve();
  #failure: unknown = null;
  #busy = false;

  constructor(file: FileHandle, algorithm: Integrity['algorithm']) {
    this.#file = file;
    this.#hash = createHash(algorithm);
  }

  /** Everything before `end` is in the file. */
  reach(end: number): void {
    this.#end = Math.max(this.#end, end);
    if (this.#busy) return;
    this.#busy = true;
    this.#running = this.#run();
  }

  /** The digest of the first `size` bytes, all of which were reached; hex digits. */
  async finish(size: number): Promise<string> {
    this.reach(size);
    await this.#running;
    if (this.#failure !== null) throw this.#failure;
    return this.#hash.digest('hex');
  }

  /** Resolves when it no longer reads: before the file is closed. */
  async settled(): Promise<void> {
    this.#end = 0;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#at < this.#end) {
        const length = Math.min(BLOCK, this.#end - this.#at);
        const { bytesRead } = await this.#file.read(this.#buffer, 0, length, this.#at);
        if (bytesRead === 0) throw new Error('the file became shorter while it was downloaded');
        this.#hash.update(this.#buffer.subarray(0, bytesRead));
        this.#at += bytesRead;
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#busy = false;
    }
  }
}
