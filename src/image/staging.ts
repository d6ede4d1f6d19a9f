// An image on its way into the cache: every file is hashed as it is written, compared with the manifest, made durable, and only then
// does the directory get its name.

import { existsSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeImage, stagingDirectory } from './cache.ts';
import { type ImageFile, imageFiles, type Manifest } from './manifest.ts';
import type { CachePaths } from './place.ts';
import { imageProblem, megabytes } from './problem.ts';
import { SparseFile } from './sparse-file.ts';

/** Bytes of all files of an image together. */
export const MAX_IMAGE: number = 16 * 1024 ** 3;

interface Written {
  readonly sha256: string;
  readonly size: number;
}

export class Staging {
  readonly directory: string;
  readonly #paths: CachePaths;
  readonly #written = new Map<string, Written>();
  #room = MAX_IMAGE;

  private constructor(directory: string, paths: CachePaths) {
    this.directory = directory;
    this.#paths = paths;
  }

  /** Fills a directory by `work`, which ends with `install`; whatever happens, nothing of it is left but the installed image. */
  static async use<T>(paths: CachePaths, work: (staging: Staging) => Promise<T>): Promise<T> {
    const staging = new Staging(await stagingDirectory(paths), paths);
    try {
      return await work(staging);
    } finally {
      await rm(staging.directory, { recursive: true, force: true });
    }
  }

  /** Bytes that may still be written. */
  get room(): number {
    return this.#room;
  }

  /** Writes a file, the name of which the caller has checked to be one. */
  async add(name: string, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const file = await SparseFile.create(join(this.directory, name));
    try {
      for await (const chunk of content) {
        signal?.throwIfAborted();
        this.#room -= chunk.length;
        if (this.#room < 0) throw imageProblem('too-big', `the image holds over ${megabytes(MAX_IMAGE)}`);
        await file.write(chunk);
      }
      const { size } = file;
      this.#written.set(name, { sha256: await file.finish(), size });
    } finally {
      await file.close();
    }
  }

  /** The image gets its place, if it is what `manifest`, as it lies in `bytes`, says. One that lies there is replaced. */
  async install(manifest: Manifest, bytes: Uint8Array, id: string, origin: string): Promise<void> {
    const files = imageFiles(manifest);
    if (new Set(['manifest.json', ...files.map(({ file }) => file)]).size !== files.length + 1) {
      throw imageProblem('format', `the manifest of ${origin} names one file twice`);
    }
    for (const wanted of files) this.#check(wanted, origin);
    const kept = new Set(files.map(({ file }) => file));
    for (const name of await readdir(this.directory)) {
      if (!kept.has(name)) await rm(join(this.directory, name));
    }
    // A manifest that came in the archive had to be the same bytes, but it may have come last.
    await this.add('manifest.json', oneChunk(bytes));
    await sync(this.directory);
    const place = join(this.#paths.directory, id);
    if (existsSync(place)) await removeImage(id, this.#paths);
    await rename(this.directory, place);
    await sync(this.#paths.directory);
  }

  #check({ file, sha256, size }: ImageFile, origin: string): void {
    const found = this.#written.get(file);
    if (found === undefined) {
      throw imageProblem('format', `${origin} does not hold the file '${file}' that its manifest names`);
    }
    if (found.size === size && found.sha256 === sha256) return;
    const differs = found.size === size ? `sha256 ${found.sha256}` : `${found.size} bytes`;
    const wanted = found.size === size ? `sha256 ${sha256}` : `${size} bytes`;
    throw imageProblem('integrity', `the file '${file}' of ${origin} has ${differs}, its manifest says ${wanted}`, {
      hint: 'nothing of it was kept; ask who made it',
      details: { file, found: found.sha256, wanted: sha256 },
    });
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
