// A download that is not whole yet: the bytes, and which pieces of them are there. It outlives its process, so that the next one
// goes on where this one stopped. What is noted is only a hint: the digest of the whole decides.

import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { readJson, removeFile, writeJson } from '../state/json-file.ts';

/** Bytes of a piece: what is lost when a download is interrupted, times the parallel connections. */
export const PIECE: number = 8 * 1024 * 1024;
const SCHEMA = 1;

interface Note {
  readonly schema: typeof SCHEMA;
  readonly size: number;
  /** Numbers of the pieces that are there whole. */
  readonly done: readonly number[];
}

export class Partial {
  readonly path: string;
  readonly file: FileHandle;
  readonly #note: string;
  #size: number | null = null;
  readonly #done = new Set<number>();

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.file = file;
    this.#note = `${path}.json`;
  }

  /** What there is of the download at `path`, or an empty one. */
  static async open(path: string): Promise<Partial> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    const partial = new Partial(path, file);
    const note = earlier(partial.#note);
    if (note !== null && (await file.stat()).size === note.size) {
      partial.#size = note.size;
      for (const piece of note.done) if (piece < partial.pieces) partial.#done.add(piece);
    }
    return partial;
  }

  /** Of the whole, in bytes; null while it is not known. */
  get size(): number | null {
    return this.#size;
  }

  get pieces(): number {
    return Math.ceil((this.#size ?? 0) / PIECE);
  }

  /** Bytes in whole pieces. */
  get received(): number {
    let sum = 0;
    for (const piece of this.#done) sum += this.end(piece) - piece * PIECE;
    return sum;
  }

  get missing(): number[] {
    return Array.from({ length: this.pieces }, (_, piece) => piece).filter((piece) => !this.#done.has(piece));
  }

  /** Where the unbroken row of pieces from the first one on ends. */
  get front(): number {
    const [first = this.pieces] = this.missing;
    return Math.min(first * PIECE, this.#size ?? 0);
  }

  /** The byte behind a piece. */
  end(piece: number): number {
    return Math.min((piece + 1) * PIECE, this.#size ?? 0);
  }

  /** Starts from nothing, for a whole of `size` bytes; null when that will only be known at its end. */
  async begin(size: number | null): Promise<void> {
    removeFile(this.#note);
    this.#done.clear();
    this.#size = size;
    await this.file.truncate(0);
    await this.file.truncate(size ?? 0);
  }

  /** A piece is there whole. */
  finish(piece: number): void {
    this.#done.add(piece);
    const note: Note = { schema: SCHEMA, size: this.#size ?? 0, done: [...this.#done] };
    writeJson(this.#note, note);
  }

  /** Leaves it as it is, for the next one. */
  async close(): Promise<void> {
    await this.file.close();
  }

  /** Nothing is left of it. */
  async remove(): Promise<void> {
    await this.file.close().catch(() => undefined);
    removeFile(this.#note);
    await rm(this.path, { force: true });
  }
}

function earlier(path: string): Note | null {
  try {
    const note = readJson<Note>(path, SCHEMA);
    const sound =
      Number.isSafeInteger(note?.size) && Array.isArray(note?.done) && note.done.every(Number.isSafeInteger);
    return sound ? note : null;
  } catch {
    // Damaged, or of another version: then from the beginning.
    return null;
  }
}
