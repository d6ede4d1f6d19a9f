/** Chunks of at least this many bytes are kept as they are; smaller ones are copied together. */
const LARGE = 4096;
const SLAB = 64 * 1024;

/**
 * Gathers bytes up to a limit. Small chunks are copied into slabs: a guest that sends its output one byte a frame must not
 * cost the host an object per byte.
 */
export class ByteCollector {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #slab: Buffer | null = null;
  #used = 0;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes gathered so far. */
  get size(): number {
    return this.#size;
  }

  /** Keeps `chunk`, or as much of it as the limit allows; false when something was left out. */
  add(chunk: Buffer): boolean {
    const room = this.#limit - this.#size;
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#size += kept.length;
    if (kept.length >= LARGE) {
      this.#closeSlab();
      this.#chunks.push(kept);
    } else {
      this.#copy(kept);
    }
    return kept === chunk;
  }

  /** All bytes as one buffer. */
  bytes(): Buffer {
    this.#closeSlab();
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks, this.#size)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #copy(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#slab !== null && this.#used + chunk.length > this.#slab.length) this.#closeSlab();
    this.#slab ??= Buffer.allocUnsafeSlow(this.#chunks.length === 0 ? LARGE : SLAB);
    chunk.copy(this.#slab, this.#used);
    this.#used += chunk.length;
  }

  #closeSlab(): void {
    if (this.#slab !== null && this.#used > 0) this.#chunks.push(this.#slab.subarray(0, this.#used));
    this.#slab = null;
    this.#used = 0;
  }
}
