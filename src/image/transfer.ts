// Bytes from a server into a partial file: several ranges at once where the server gives ranges, one stream where it does not.

import { VzshellError } from '../errors.ts';
import { FileDigest } from './file-digest.ts';
import type { Integrity } from './integrity.ts';
import { type Network, type Reply, shown } from './network.ts';
import { type Partial, PIECE } from './partial.ts';
import { imageProblem, megabytes } from './problem.ts';

/** Connections at once. */
const PARALLEL = 4;

/** A file to fetch. */
export interface Wanted {
  readonly url: string;
  /** What people call it. */
  readonly name: string;
  /** npm package on whose behalf it is fetched. */
  readonly spec?: string;
  readonly integrity: Integrity;
  /** Bytes; null when only the digest is known. */
  readonly size: number | null;
  /** Bytes; more are refused. */
  readonly limit: number;
}

/** The server has another file than the one that was begun. */
export class OtherSize extends Error {}

export class Transfer {
  readonly #network: Network;
  readonly #wanted: Wanted;
  readonly #partial: Partial;
  #digest: FileDigest;
  readonly #report: (received: number, total: number | null) => void;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #received: number;

  constructor(
    network: Network,
    wanted: Wanted,
    partial: Partial,
    report: (received: number, total: number | null) => void,
    signal?: AbortSignal,
  ) {
    this.#network = network;
    this.#wanted = wanted;
    this.#partial = partial;
    this.#report = report;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    this.#digest = new FileDigest(partial.file, wanted.integrity.algorithm);
    this.#received = partial.received;
  }

  /** Fetches what is missing. Resolves with the digest of the whole. */
  async run(): Promise<string> {
    try {
      this.#digest.reach(this.#partial.front);
      const size =
        this.#partial.size !== null && this.#partial.missing.length === 0 ? this.#partial.size : await this.#fetch();
      return await this.#digest.finish(size);
    } finally {
      this.#stop.abort();
      await this.#digest.settled();
    }
  }

  async #fetch(): Promise<number> {
    const [first = 0] = this.#partial.missing;
    const start = first * PIECE;
    const reply = await this.#ask(start, start + PIECE);
    if (reply.status !== 206) return this.#whole(reply);
    const { from, total } = rangeOf(reply, this.#wanted.url);
    if (from !== start)
      throw broken(this.#wanted.url, `it sent bytes from ${from} on, asked for were those from ${start} on`);
    if (this.#partial.size !== null && this.#partial.size !== total) throw new OtherSize();
    this.#checkSize(total);
    if (this.#partial.size === null) await this.#partial.begin(total);
    await this.#pieces(first, reply);
    return total;
  }

  async #pieces(first: number, reply: Reply): Promise<void> {
    const queue = this.#partial.missing.filter((piece) => piece !== first);
    const work = async (piece: number | undefined, begun?: Reply): Promise<void> => {
      if (piece === undefined) return;
      await this.#piece(piece, begun);
      await work(queue.shift());
    };
    const workers = [work(first, reply), ...queue.splice(0, PARALLEL - 1).map((piece) => work(piece))];
    // One that fails ends the others, and all of them have ended before anybody closes the file.
    await Promise.all(
      workers.map((worker) =>
        worker.catch((error: unknown) => {
          this.#stop.abort(error);
          throw error;
        }),
      ),
    ).catch(async (error: unknown) => {
      await Promise.allSettled(workers);
      throw error;
    });
  }

  async #piece(piece: number, begun?: Reply): Promise<void> {
    const end = this.#partial.end(piece);
    let at = piece * PIECE;
    let reply = begun;
    for (let failures = 0; at < end; ) {
      const before = at;
      reply ??= await this.#ask(at, end);
      if (reply.status !== 206 || rangeOf(reply, this.#wanted.url).from !== at) {
        throw broken(this.#wanted.url, 'it no longer sends the range that was asked for');
      }
      const { body } = reply;
      reply = undefined;
      try {
        for await (const chunk of body) {
          if (at + chunk.length > end) throw broken(this.#wanted.url, 'it sent more than was asked for');
          await this.#write(chunk, at);
          at += chunk.length;
        }
        if (at < end) throw new Error('the connection ended early');
      } catch (error) {
        failures = at > before ? 1 : failures + 1;
        this.#giveUp(error, failures);
      }
    }
    this.#partial.finish(piece);
    this.#digest.reach(this.#partial.front);
  }

  /** One stream: a broken one begins again from the first byte. */
  async #whole(first: Reply): Promise<number> {
    let reply: Reply | undefined = first;
    for (let failures = 0; ; ) {
      reply ??= await this.#ask(0, PIECE);
      const total = lengthOf(reply);
      if (total !== null) this.#checkSize(total);
      await this.#digest.settled();
      await this.#partial.begin(null);
      this.#digest = new FileDigest(this.#partial.file, this.#wanted.integrity.algorithm);
      this.#received = 0;
      let at = 0;
      const { body } = reply;
      reply = undefined;
      try {
        for await (const chunk of body) {
          this.#checkSize(Math.max(at + chunk.length, total ?? this.#wanted.size ?? 0));
          await this.#write(chunk, at, total);
          at += chunk.length;
          this.#digest.reach(at);
        }
        if (total !== null && at !== total) throw new Error('the connection ended early');
        return at;
      } catch (error) {
        this.#giveUp(error, ++failures);
      }
    }
  }

  async #ask(from: number, to: number): Promise<Reply> {
    const { url, spec } = this.#wanted;
    const headers = { range: `bytes=${from}-${to - 1}` };
    return this.#network.get(url, { headers, signal: this.#signal, ...(spec !== undefined && { spec }) });
  }

  async #write(chunk: Buffer, at: number, total: number | null = this.#partial.size): Promise<void> {
    this.#signal.throwIfAborted();
    try {
      await this.#partial.file.write(chunk, 0, chunk.length, at);
    } catch (cause) {
      throw new VzshellError('ERR_IMAGE', `cannot keep the download: ${(cause as Error).message}`, {
        cause,
        details: { errno: (cause as NodeJS.ErrnoException).code },
      });
    }
    this.#received += chunk.length;
    this.#report(this.#received, total ?? this.#wanted.size);
  }

  /** Returns when it is worth trying again. */
  #giveUp(error: unknown, failures: number): void {
    this.#signal.throwIfAborted();
    if (error instanceof VzshellError || failures > this.#network.retries)
      throw this.#network.problem(error, this.#wanted.url);
  }

  #checkSize(size: number): void {
    const { limit, name, size: wanted, url } = this.#wanted;
    if (size > limit) {
      throw imageProblem('too-big', `${name} is over ${megabytes(limit)} long, more than any guest image`, {
        details: { url: shown(url) },
      });
    }
    if (wanted !== null && size !== wanted) {
      throw imageProblem('integrity', `${name} is ${size} bytes long on the server, and should be ${wanted}`, {
        hint: 'the server has another file than this version of vzshell was made with',
        details: { url: shown(url) },
      });
    }
  }
}

function rangeOf(reply: Reply, url: string): { readonly from: number; readonly total: number } {
  const [, from, total] =
    /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/.exec(reply.headers.get('content-range') ?? '') ?? [];
  if (from === undefined || total === undefined) throw broken(url, 'its answer to a range has no usable Content-Range');
  return { from: Number(from), total: Number(total) };
}

function lengthOf(reply: Reply): number | null {
  const length = reply.headers.get('content-length');
  return length !== null && /^\d{1,15}$/.test(length) && reply.headers.get('content-encoding') === null
    ? Number(length)
    : null;
}

function broken(url: string, why: string): VzshellError {
  return imageProblem('server', `the server of ${shown(url)} is broken: ${why}`, { details: { url: shown(url) } });
}
