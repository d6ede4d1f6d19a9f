import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes; of zeros this long and aligned nothing is written, they become a hole. */
const PAGE = 4096;
const BUFFER = 64 * PAGE;
const ZEROS = Buffer.alloc(PAGE);

/** A new file, written once from the first byte on, and hashed on the way. */
export class SparseFile {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafe(BUFFER);
  #filled = 0;
  #size = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<SparseFile> {
    return new SparseFile(await open(path, 'wx', 0o600));
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    for (let at = 0; at < chunk.length; ) {
      const length = Math.min(BUFFER - this.#filled, chunk.length - at);
      this.#buffer.set(chunk.subarray(at, at + length), this.#filled);
      this.#filled += length;
      this.#size += length;
      at += length;
      if (this.#filled === BUFFER) await this.#flush();
    }
  }

  /** Makes it durable and read-only. Resolves with its sha256. */
  async finish(): Promise<string> {
    await this.#flush();
    await this.#file.truncate(this.#size);
    await this.#file.chmod(0o444);
    await this.#file.sync();
    await this.#file.close();
    return this.#hash.digest('hex');
  }

  /** Gives up. Whoever made it removes it. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const base = this.#size - this.#filled;
    for (let at = 0; at < this.#filled; ) {
      const run = this.#run(at);
      if (run === at) at = Math.min(at + PAGE, this.#filled);
      else {
        await this.#writeAll(at, run, base);
        at = run;
      }
    }
    this.#filled = 0;
  }

  /** Where the row of pages that hold something, which begins at `at`, ends. */
  #run(at: number): number {
    let end = at;
    while (end < this.#filled && !this.#isHole(end)) end = Math.min(end + PAGE, this.#filled);
    return end;
  }

  #isHole(at: number): boolean {
    const length = Math.min(PAGE, this.#filled - at);
    return this.#buffer.subarray(at, at + length).equals(ZEROS.subarray(0, length));
  }

  async #writeAll(from: number, to: number, base: number): Promise<void> {
    for (let at = from; at < to; ) {
      const { bytesWritten } = await this.#file.write(this.#buffer, at, to - at, base + at);
      at += bytesWritten;
    }
  }
}
