// The host's Nix store as a binary cache for one guest, over vsock: for paths that cannot lie below the guest's store, such as those
// that a Mac's file system holds under other names. Nothing is stored: a path is read out as Nix itself reads it, while it is sent.

import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { CACHE_PORT } from '../agent/protocol.ts';
import { readable, runSqlite } from '../state/sqlite.ts';
import { Complaints } from './complaints.ts';
import type { HostCacheSpec } from './spec.ts';

const STORE = '/nix/store/';
/** What a cache says of itself. Its paths are wanted before those of caches that have to be reached over a network. */
const INFO = `StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 10\n`;
/** Connections at once: Nix asks for 25 things. */
const MAX_CONNECTIONS = 64;
/** Bytes of what the database says of one path. */
const MAX_ROW = 16 * 1024 * 1024;

/** Serves until it is closed; the guest finds it at `<vsockPath>_1026`. The guest is hostile: all it can name is a hash. */
export class HostCache {
  readonly #server: Server;

  static async listen(spec: HostCacheSpec, vsockPath: string): Promise<HostCache> {
    const complaints = new Complaints('binary cache');
    const server = createServer((request, response) => {
      answer(spec, request, response).catch((error: unknown) => {
        complaints.add(error);
        if (response.headersSent) response.destroy();
        else end(response, 500);
      });
    });
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`${vsockPath}_${CACHE_PORT}`, resolve);
    });
    return new HostCache(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function answer(spec: HostCacheSpec, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '';
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405);
  if (url === '/nix-cache-info') return end(response, 200, INFO);
  const [, hash, kind] = /^\/(?:nar\/)?([0-9a-z]{32})\.(narinfo|nar)$/.exec(url) ?? [];
  if (hash === undefined) return end(response, 404);
  const path = await lookUp(spec, hash);
  if (path === null) return end(response, 404);
  if (kind === 'narinfo') return end(response, 200, narinfo(hash, path));
  if (request.method === 'HEAD') return end(response, 200);
  await sendArchive(spec, path, response);
}

interface Path {
  readonly path: string;
  readonly hash: string;
  readonly narSize: number;
  readonly deriver: string | null;
  readonly sigs: string | null;
  readonly ca: string | null;
  /** Store paths, with a blank between. */
  readonly refs: string | null;
}

async function lookUp({ database, sqlite }: HostCacheSpec, hash: string): Promise<Path | null> {
  const query = `select path, hash, narSize, deriver, sigs, ca, (select group_concat(r.path, ' ') from Refs
    join ValidPaths r on r.id = reference where referrer = v.id) as refs
    from ValidPaths v where path >= '${STORE}${hash}-' and path < '${STORE}${hash}.' limit 1`;
  const output = await runSqlite(sqlite, readable(database).uri, `${query};`, { maxOutput: MAX_ROW, json: true });
  return output.trim() === '' ? null : ((JSON.parse(output) as Path[])[0] ?? null);
}

function narinfo(hash: string, { path, hash: narHash, narSize, deriver, sigs, ca, refs }: Path): string {
  const names = (refs ?? '').split(' ').map((each) => each.slice(STORE.length));
  return [
    `StorePath: ${path}`,
    `URL: nar/${hash}.nar`,
    'Compression: none',
    `FileHash: ${narHash}`,
    `FileSize: ${narSize}`,
    `NarHash: ${narHash}`,
    `NarSize: ${narSize}`,
    `References: ${names.join(' ')}`,
    ...(deriver ? [`Deriver: ${deriver.slice(STORE.length)}`] : []),
    ...(sigs ?? '')
      .split(' ')
      .filter(Boolean)
      .map((sig) => `Sig: ${sig}`),
    ...(ca ? [`CA: ${ca}`] : []),
    '',
  ].join('\n');
}

/** Nix's own program writes the archive: it knows what a Mac's files are really called. */
async function sendArchive(
  { caseHack, directory, nixStore }: HostCacheSpec,
  { path, narSize }: Path,
  response: ServerResponse,
): Promise<void> {
  const child = spawn(
    nixStore,
    ['--option', 'use-case-hack', String(caseHack), '--dump', join(directory, path.slice(STORE.length))],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 1000);
  });
  response.once('close', () => child.kill());
  response.writeHead(200, { 'content-type': 'application/x-nix-nar', 'content-length': narSize });
  child.stdout.pipe(response, { end: false });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  // An archive that is cut off must not look whole.
  if (code === 0) response.end();
  else throw new Error(`${path}: ${complaint.trim() || `nix-store --dump ended with ${code}`}`);
}

function end(response: ServerResponse, status: number, text = ''): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) }).end(text);
}
