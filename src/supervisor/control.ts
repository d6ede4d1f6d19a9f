// control.sock: HTTP/1.1 and JSON, for everybody who may write to the run directory, which is the user alone. What they send is
// bounded and checked all the same: a broken client must not take a VM with it.

import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { asVzshellError, VzshellError } from '../errors.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { ControlEvent, ExitRecord, StopRequest } from './spec.ts';

/** Bytes of a request's body. */
const MAX_BODY = 4096;
const MAX_CONNECTIONS = 256;
/** Bytes that may wait for a reader of events. */
const MAX_BACKLOG = 64 * 1024;

/** Serves a lifecycle for as long as the process lives. */
export class ControlServer {
  readonly #server: Server;
  readonly #vm: Lifecycle;

  private constructor(vm: Lifecycle) {
    this.#vm = vm;
    this.#server = createServer({ requestTimeout: 5000, headersTimeout: 5000, maxHeaderSize: 4096 });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // A client that is gone needs no answer.
      response.on('error', () => response.destroy());
      this.#answer(request, response).catch((error: unknown) => sendError(response, error));
    });
  }

  static async listen(path: string, vm: Lifecycle): Promise<void> {
    const control = new ControlServer(vm);
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject);
      control.#server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    switch (`${request.method} ${request.url}`) {
      case 'GET /v1/vm':
        return send(response, 200, this.#vm.status());
      case 'GET /v1/events':
        return this.#events(response);
      case 'POST /v1/stop':
        return send(response, 200, await this.#vm.stop(stopRequest(body)));
      case 'POST /v1/detach':
        if (this.#vm.detach()) return send(response, 200, {});
        throw new VzshellError('ERR_INVALID_STATE', `vm '${this.#vm.status().spec.name}' is ${this.#vm.state}`);
      default:
        return send(response, 404, {
          error: { code: 'ERR_NOT_FOUND', message: `no such request: ${request.method} ${request.url}` },
        });
    }
  }

  #events(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    const write = (event: ControlEvent): void => {
      // The guest can cause as many of these as it likes, and losing one is no harm.
      if (event.type === 'trimmed' && response.writableLength > 0) return;
      if (response.writableLength > MAX_BACKLOG) response.destroy();
      else response.write(`${JSON.stringify(event)}\n`);
    };
    write({ type: 'state', state: this.#vm.state });
    const unsubscribe = this.#vm.subscribe(write);
    response.on('close', unsubscribe);
    // One who comes in the last moment hears the end too.
    if (this.#vm.state === 'stopped') void this.#vm.exit.then((exit: ExitRecord) => write({ type: 'exit', exit }));
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new VzshellError('ERR_INVALID_OPTION', `a request body over ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new VzshellError('ERR_INVALID_OPTION', 'the request body is no JSON');
  }
}

function stopRequest(body: unknown): StopRequest {
  const { force, timeoutMs, ...rest } = (typeof body === 'object' && body !== null ? body : { body }) as Record<
    string,
    unknown
  >;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new VzshellError('ERR_INVALID_OPTION', `unknown member '${unknown}' in a stop request`);
  if (force !== undefined && typeof force !== 'boolean')
    throw new VzshellError('ERR_INVALID_OPTION', "'force' is no boolean");
  const validTime = typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs <= 3_600_000;
  if (timeoutMs !== undefined && !validTime)
    throw new VzshellError('ERR_INVALID_OPTION', "'timeoutMs' is no number of milliseconds up to an hour");
  return { ...(force !== undefined && { force }), ...(validTime && { timeoutMs }) };
}

function sendError(response: ServerResponse, error: unknown): void {
  const known = asVzshellError(error, 'ERR_INVALID_STATE');
  if (response.headersSent) response.destroy();
  else send(response, known.code === 'ERR_INVALID_OPTION' ? 400 : 409, { error: known.toJSON() });
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
