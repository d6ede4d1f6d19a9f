import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectGuest } from '../../../src/vm/connect-guest.ts';
import { forward } from '../../../src/vm/forward.ts';
import { type RunningAgent, startAgent } from '../agent/running-agent.ts';

let running: RunningAgent;
/** A server in "the guest": reads to the end of input, then answers with its hash. Half-close is all that makes it work. */
let hashing: net.Server;
let port: number;
beforeAll(async () => {
  running = await startAgent();
  hashing = net.createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash('sha256');
    socket.on('data', (chunk) => hash.update(chunk)).on('end', () => socket.end(hash.digest('hex')));
    socket.on('error', () => undefined);
  });
  await once(hashing.listen(0, '127.0.0.1'), 'listening');
  ({ port } = hashing.address() as net.AddressInfo);
}, 120_000);
afterAll(async () => {
  hashing?.close();
  await running?.[Symbol.asyncDispose]();
});

const BYTES = randomBytes(3_000_000);
const HASH = createHash('sha256').update(BYTES).digest('hex');

async function converse(stream: Duplex, bytes: Buffer = BYTES): Promise<string> {
  stream.end(bytes);
  let answer = '';
  for await (const chunk of stream) answer += String(chunk);
  return answer;
}

describe('connect', () => {
  test('to a port: both directions, each with its own end', async () => {
    expect(await converse(await connectGuest(running.context, { port }))).toBe(HASH);
    expect(await converse(await connectGuest(running.context, { port, host: 'localhost' }))).toBe(HASH);
  });

  test('to a unix socket', async () => {
    const path = join(running.directory, 'hash.sock');
    const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await once(server.listen(path), 'listening');
    expect(await converse(await connectGuest(running.context, { path }), Buffer.from('echo'))).toBe('echo');
    server.close();
  });

  test('nobody listens', async () => {
    const free = net.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: closed } = free.address() as net.AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await expect(connectGuest(running.context, { port: closed })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      details: { reason: 'refused' },
    });
    await expect(connectGuest(running.context, { path: '/no/such.sock' })).rejects.toMatchObject({
      name: 'VzshellError',
    });
  });

  test.each([{ port: 0 }, { port: 70_000 }, { path: 'relative' }])('%j is refused', async (address) => {
    await expect(connectGuest(running.context, address)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
  });

  test('an abort ends it with the reason', async () => {
    const controller = new AbortController();
    const stream = await connectGuest(running.context, { port }, { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(once(stream, 'data')).rejects.toBe(reason);
  });

  test('a lost VM is its error', async () => {
    await using dying = await startAgent();
    const stream = await connectGuest(dying.context, { port });
    // Listened to before it can fail: a rejection that nobody awaits yet would count as unhandled.
    const failed = expect(once(stream, 'data')).rejects.toMatchObject({ code: 'ERR_VM_STOPPED' });
    await dying.kill();
    await failed;
  }, 60_000);
});

describe('forward', () => {
  test('carries many connections at once, with half-close', async () => {
    await using tunnel = await forward(running.context, { guestPort: port });
    expect(tunnel).toMatchObject({ host: '127.0.0.1', url: `http://127.0.0.1:${tunnel.port}` });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        converse(net.connect({ port: tunnel.port, host: tunnel.host, allowHalfOpen: true })),
      ),
    );
    expect(new Set(answers)).toEqual(new Set([HASH]));
  });

  test('a port on which nobody listens in the guest only closes the connection', async () => {
    await using tunnel = await forward(running.context, { guestPort: 1 });
    for (const _ of [1, 2]) expect(await converse(net.connect(tunnel.port), Buffer.alloc(0))).toBe('');
  });

  test('the host port is in use, and the message says so', async () => {
    await using first = await forward(running.context, { guestPort: port });
    await expect(forward(running.context, { guestPort: port, hostPort: first.port })).rejects.toMatchObject({
      message: `cannot listen on 127.0.0.1:${first.port}: another program listens there`,
      hint: expect.stringContaining('choose another'),
      details: { errno: 'EADDRINUSE' },
    });
  });

  test('closes twice, ends its connections, and is then closed', async () => {
    const tunnel = await forward(running.context, { guestPort: port });
    const client = net.connect(tunnel.port);
    await once(client, 'connect');
    const ended = once(client, 'close');
    await Promise.all([tunnel[Symbol.asyncDispose](), tunnel[Symbol.asyncDispose]()]);
    await tunnel[Symbol.asyncDispose]();
    await tunnel.closed;
    await ended;
    await expect(once(net.connect(tunnel.port), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('an abort closes it', async () => {
    const controller = new AbortController();
    const tunnel = await forward(running.context, { guestPort: port, signal: controller.signal });
    controller.abort();
    await tunnel.closed;
    await expect(forward(running.context, { guestPort: port, signal: controller.signal })).rejects.toBe(
      controller.signal.reason,
    );
  });

  test('a lost VM closes it with the first connection that finds out', async () => {
    await using dying = await startAgent();
    const tunnel = await forward(dying.context, { guestPort: port });
    await dying.kill();
    const client = net.connect(tunnel.port).on('error', () => undefined);
    await tunnel.closed;
    client.destroy();
  }, 60_000);

  test.each([{ guestPort: 0 }, { guestPort: 80, hostPort: 99_999 }])('%j is refused', async (options) => {
    await expect(forward(running.context, options)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
  });
});
