// Stands between a guest and the binary cache that the host serves it, and counts. It takes the place of the cache's socket, so nothing
// of what is measured has to know.
import { renameSync } from 'node:fs';
import http from 'node:http';
import { pipeline } from 'node:stream/promises';

const CACHE_PORT = 1026;

export class CountingCache {
  /** Of the archives alone: what was fetched. */
  archives = 0;
  bytes = 0;
  #server;

  /** Takes over the cache of the machine that was started with this vsock. */
  static async before(vsockPath) {
    const socket = `${vsockPath}_${CACHE_PORT}`;
    const behind = `${vsockPath}_cache`;
    renameSync(socket, behind);
    const cache = new CountingCache();
    cache.#server = http.createServer((request, response) => {
      cache.#pass(request, response, behind).catch((error) => response.destroy(error));
    });
    await new Promise((resolve) => cache.#server.listen(socket, resolve));
    return cache;
  }

  async #pass(request, response, socketPath) {
    const { method, url, headers } = request;
    const answer = await new Promise((resolve, reject) => {
      http.request({ socketPath, method, path: url, headers }, resolve).on('error', reject).end();
    });
    response.writeHead(answer.statusCode, answer.headers);
    if (url.startsWith('/nar/') && method === 'GET') {
      this.archives += 1;
      answer.on('data', (chunk) => {
        this.bytes += chunk.length;
      });
    }
    await pipeline(answer, response);
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
