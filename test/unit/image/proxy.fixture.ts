import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A forward proxy on the loopback that leads every name to one server, and wants a password if it was given one. */
export class TestProxy implements AsyncDisposable {
  /** What it was asked for: URLs, and `host:port` of tunnels. */
  readonly asked: string[] = [];
  url = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: URL, password: string | null) {
    const allowed = (header: string | undefined): boolean =>
      password === null || header === `Basic ${Buffer.from(password).toString('base64')}`;
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '');
      if (!allowed(request.headers['proxy-authorization'])) {
        response.writeHead(407).end();
        return;
      }
      const { pathname } = new URL(request.url ?? '/');
      const forwarded = httpRequest({ host: to.hostname, port: to.port, path: pathname, headers: request.headers });
      forwarded.once('error', () => response.destroy());
      forwarded.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      forwarded.end();
    });
    this.#server.on('connect', (request, client: Socket) => {
      this.asked.push(request.url ?? '');
      if (!allowed(request.headers['proxy-authorization'])) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
        return;
      }
      const server = connect(Number(to.port), to.hostname, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        server.pipe(client).pipe(server);
      });
      for (const socket of [server, client]) socket.on('error', () => socket.destroy());
    });
    this.#server.on('connection', (socket) => this.#sockets.add(socket));
  }

  static async start(to: string, password: string | null = null): Promise<TestProxy> {
    const proxy = new TestProxy(new URL(to), password);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}/`;
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}
