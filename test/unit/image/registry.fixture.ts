// A registry on the loopback, as far as fetching goes: it answers over real HTTP, and misbehaves when told to. The registry that people
// run is in test/integration/image.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';

export interface Seen {
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
}

/** Answers a request itself and says so, or leaves it to the registry. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface Served {
  readonly bytes: Buffer;
  /** Whether ranges of it are given. */
  readonly ranges: boolean;
}

export class TestRegistry implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly #files = new Map<string, Served>();
  readonly #packuments = new Map<string, { versions: Record<string, unknown>; 'dist-tags': Record<string, string> }>();
  readonly #server: Server;
  /** Requests being answered now, and the most there ever were. */
  atOnce = { now: 0, most: 0 };
  misbehave: Misbehaviour = () => false;
  url = '';

  private constructor(tls?: { readonly key: Buffer; readonly cert: Buffer }) {
    const listener: RequestListener = (request, response) => this.#answer(request, response);
    this.#server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  }

  static async start(tls?: { readonly key: Buffer; readonly cert: Buffer }): Promise<TestRegistry> {
    const registry = new TestRegistry(tls);
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    const { port } = registry.#server.address() as AddressInfo;
    registry.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`;
    return registry;
  }

  /** Puts a file there, below the registry's URL; returns its own. */
  serve(path: string, bytes: Buffer, ranges = true): string {
    this.#files.set(`/${path}`, { bytes, ranges });
    return `${this.url}${path}`;
  }

  /** Publishes a tarball. `dist` overrides what the registry says of it; `host` is where it says that it is. */
  publish(name: string, version: string, tarball: Buffer, dist: object = {}, host: string = this.url): void {
    const path = `${name}/-/${name.replace(/^.*\//, '')}-${version}.tgz`;
    this.serve(path, tarball);
    const packument = this.#packuments.get(name) ?? { versions: {}, 'dist-tags': {} };
    packument.versions[version] = {
      name,
      version,
      dist: { tarball: `${host}${path}`, integrity: integrityText(tarball), ...dist },
    };
    packument['dist-tags'].latest = version;
    this.#packuments.set(name, packument);
  }

  /** Paths of tarballs and files that were asked for, packuments left out. */
  get fetched(): readonly Seen[] {
    return this.seen.filter(({ path }) => this.#files.has(path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // A proxy is asked for whole URLs.
    const path = decodeURIComponent(new URL(request.url ?? '/', this.url).pathname);
    const { range = null, authorization = null } = request.headers;
    this.seen.push({ path, range, authorization });
    this.atOnce.now += 1;
    this.atOnce.most = Math.max(this.atOnce.most, this.atOnce.now);
    response.once('close', () => {
      this.atOnce.now -= 1;
    });
    if (this.misbehave(request, response)) return;
    const packument = this.#packuments.get(path.slice(1));
    const file = this.#files.get(path);
    if (packument !== undefined) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name: path.slice(1), ...packument }));
    } else if (file !== undefined) {
      send(response, file, range);
    } else {
      response.statusCode = 404;
      response.end('{"error":"not found"}');
    }
  }
}

function send(response: ServerResponse, { bytes, ranges }: Served, range: string | null): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (!ranges || from === undefined || to === undefined) {
    response.setHeader('content-length', bytes.length);
    response.end(bytes);
    return;
  }
  const part = bytes.subarray(Number(from), Number(to) + 1);
  response.statusCode = 206;
  response.setHeader('content-range', `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`);
  response.setHeader('content-length', part.length);
  response.end(part);
}

export function integrityText(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An entry of an archive, as odd as one likes. */
export interface TestEntry {
  readonly name: string;
  readonly type?: 'file' | 'symlink' | 'link' | 'directory' | 'fifo';
  readonly linkname?: string;
}

/** A gzipped tar of entries, in this order. */
export async function tarball(entries: readonly (readonly [TestEntry, (Buffer | string)?])[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content = ''] of entries) archive.entry({ ...header }, content);
  archive.finalize();
  return buffer(archive.pipe(createGzip({ level: 1 })));
}
