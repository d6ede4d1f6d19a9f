import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AgentClient, ConnectionLost } from '../../../src/agent/client.ts';
import { encodeFrame, encodeJson, FrameDecoder, FrameType, HEADER_SIZE, WINDOW } from '../../../src/agent/protocol.ts';
import { type RunningAgent, startAgent } from './running-agent.ts';

describe('the real agent', () => {
  let running: RunningAgent;
  beforeAll(async () => {
    running = await startAgent();
  }, 120_000);
  afterAll(() => running?.[Symbol.asyncDispose]());

  test('says who it is', async () => {
    expect(await running.agent.hello()).toMatchObject({
      protocol: 1,
      configured: true,
      arch: expect.stringMatching(/arm64|x86_64/),
    });
  });

  test('knows who listens', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    expect(await running.agent.ports()).toContainEqual({ port, address: '127.0.0.1', protocol: 'tcp' });
    server.close();
  });

  test('answers stats, time, sync and its log', async () => {
    const stats = await running.agent.stats();
    expect(stats.memory.totalBytes).toBeGreaterThan(stats.memory.availableBytes);
    expect(await running.agent.time(Date.now())).toMatchObject({ adjusted: false });
    await running.agent.sync();
    expect(typeof (await running.agent.log())).toBe('string');
  });

  test('an unknown request is refused with a reason', async () => {
    await expect(running.agent.request('GET', '/v1/nothing')).rejects.toMatchObject({ name: 'VzshellError' });
  });

  test('configure is refused a second time, and the code says that it is', async () => {
    await expect(running.agent.request('POST', '/v1/configure', {})).rejects.toMatchObject({ code: 'ERR_AGENT' });
  });

  test('an aborted request rejects with the reason, untouched', async () => {
    const reason = { anything: true };
    await expect(running.agent.hello({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const pending = running.agent.sync({ signal: controller.signal });
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
  });

  test('the events of open streams arrive', async () => {
    const stream = await running.agent.open({ op: 'exec', argv: ['cat'] });
    expect((await running.events.next()).value).toEqual({ event: 'streams', active: 1, opened: 1 });
    stream.input.end();
    await stream.ended;
    expect((await running.events.next()).value).toEqual({ event: 'streams', active: 0, opened: 1 });
  });

  test('a connection that was begun ahead serves the next stream, and the one after it has its own', async () => {
    const agent = new AgentClient(running.socket);
    await agent.dialAhead();
    for (const word of ['first', 'second']) {
      const stream = await agent.open({ op: 'exec', argv: ['echo', word] });
      stream.input.end();
      expect(String((await stream.data.toArray())[0])).toBe(`${word}\n`);
      await stream.ended;
    }
  });

  test('an argument list over four megabytes is refused before anything is sent', async () => {
    const start = { op: 'exec', argv: ['true', 'x'.repeat(5 * 1024 * 1024)] } as const;
    await expect(running.agent.open(start)).rejects.toMatchObject({ code: 'ERR_EXEC', details: { reason: 'too-big' } });
  });
});

describe('a peer that is not well', () => {
  let directory: string;
  let path: string;
  const servers: net.Server[] = [];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vz-peer-'));
  });
  afterAll(async () => {
    for (const server of servers) server.close();
    await rm(directory, { recursive: true });
  });

  /** A peer that answers the greeting, then does `act` with what the client says next. */
  async function peer(act: (socket: net.Socket) => void, greeting = 'OK 7\n'): Promise<AgentClient> {
    path = join(directory, `${servers.length}.sock`);
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        if (greeting !== '') socket.write(greeting);
        act(socket);
      });
    });
    servers.push(server.listen(path));
    await once(server, 'listening');
    return new AgentClient(path);
  }
  const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: vzshell-frames\r\n\r\n';
  const later = (answer: string | Buffer) => (socket: net.Socket) => {
    socket.once('data', () => socket.end(answer));
  };
  const frames = (...parts: Buffer[]) => Buffer.concat([Buffer.from(UPGRADED), ...parts]);
  const started = encodeJson(FrameType.STARTED, { pid: 5 });
  const exec = { op: 'exec', argv: ['true'] } as const;

  test('one that is gone between the connection and the command', async () => {
    const agent = await peer((socket) => socket.end());
    await agent.dialAhead();
    await expect(agent.open(exec)).rejects.toBeInstanceOf(ConnectionLost);
    const nobody = new AgentClient(join(directory, 'none.sock'));
    await nobody.dialAhead();
    await expect(nobody.open(exec)).rejects.toBeInstanceOf(ConnectionLost);
  });

  test('no socket at all', async () => {
    await expect(new AgentClient(join(directory, 'none.sock')).hello()).rejects.toBeInstanceOf(ConnectionLost);
  });

  test('a file in its place', async () => {
    await writeFile(join(directory, 'file.sock'), '');
    await expect(new AgentClient(join(directory, 'file.sock')).hello()).rejects.toBeInstanceOf(ConnectionLost);
  });

  test('nobody listens on the port: closed without a byte', async () => {
    const client = await peer((socket) => socket.destroy(), '');
    await expect(client.open(exec)).rejects.toBeInstanceOf(ConnectionLost);
  });

  test.each(['NO\n', 'OK \n', 'OK 1 2\n', 'O'.repeat(40)])('a greeting %j', async (greeting) => {
    const client = await peer(() => undefined, greeting);
    await expect(client.open(exec)).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  test('silence ends at the time limit', async () => {
    const client = await peer(() => undefined);
    await expect(client.hello({ timeoutMs: 30 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: /GET \/v1\/hello within 30 ms/,
    });
  });

  test('another protocol version: its own words', async () => {
    const body = JSON.stringify({ error: { code: 'protocol', message: 'this agent speaks 2, the host speaks 1' } });
    const client = await peer(later(`HTTP/1.1 426 Upgrade Required\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
    await expect(client.open(exec)).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      message: 'this agent speaks 2, the host speaks 1',
    });
  });

  test('a status without a reason', async () => {
    const client = await peer(later('HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}'));
    await expect(client.hello()).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  test.each<[string, Buffer]>([
    ['data before the start', frames(encodeFrame(FrameType.DATA, Buffer.of(1)))],
    ['two starts', frames(started, started)],
    [
      'data after its end',
      frames(started, encodeFrame(FrameType.EOF, Buffer.alloc(0)), encodeFrame(FrameType.DATA, Buffer.of(1))),
    ],
    ['a frame that only a host sends', frames(started, encodeJson(FrameType.SIGNAL, { signal: 'SIGTERM' }))],
    ['more taken than was sent', frames(started, encodeFrame(FrameType.TAKEN, Buffer.from('00000001', 'hex')))],
    ['taken without a number', frames(started, encodeFrame(FrameType.TAKEN, Buffer.alloc(3)))],
    ['an oversized frame', frames(started, Buffer.from('0010000003', 'hex'))],
    ['a start that is no JSON', frames(encodeFrame(FrameType.STARTED, Buffer.from('{')))],
    ['an error without a code', frames(encodeJson(FrameType.ERROR, { message: 'x' }))],
  ])('%s breaks the stream', async (_name, bytes) => {
    const client = await peer(later(bytes));
    const open = client.open(exec).then((stream) => stream.ended);
    await expect(open).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  test('a connection that closes before the exit is lost, and its output is not taken for whole', async () => {
    const client = await peer(later(frames(started, encodeFrame(FrameType.DATA, Buffer.from('half')))));
    const stream = await client.open(exec);
    const read = (async () => {
      for await (const chunk of stream.data) expect(chunk.toString()).toBe('half');
    })();
    await expect(read).rejects.toBeInstanceOf(ConnectionLost);
    await expect(stream.ended).rejects.toBeInstanceOf(ConnectionLost);
  });

  test.each([1, 1000, 100_000, 1_000_000])('input in chunks of %i bytes never overtakes the window', async (size) => {
    const taken = Buffer.alloc(4);
    let waiting = 0;
    let most = 0;
    let bytes = 0;
    const client = await peer((socket) => {
      const decoder = new FrameDecoder();
      socket.once('data', () => {
        socket.write(frames(started));
        socket.on('data', (chunk: Buffer) => {
          for (const { type, payload } of decoder.push(chunk)) {
            if (type === FrameType.EOF) socket.write(encodeJson(FrameType.EXIT, {}));
            if (type !== FrameType.DATA) continue;
            bytes += payload.length;
            waiting += HEADER_SIZE + payload.length;
            most = Math.max(most, waiting);
          }
          // Patient: the client is to come near the end of its window.
          if (waiting < WINDOW - 20 * 1024) return;
          taken.writeUInt32BE(waiting);
          waiting = 0;
          socket.write(encodeFrame(FrameType.TAKEN, taken));
        });
      });
    });
    const stream = await client.open(exec);
    const total = size === 1 ? WINDOW / 2 : 3 * Math.max(WINDOW, size);
    async function* input(): AsyncGenerator<Buffer, void, undefined> {
      for (let sent = 0; sent < total; sent += size) yield Buffer.alloc(Math.min(size, total - sent));
    }
    await pipeline(input(), stream.input);
    await stream.ended;
    expect(bytes).toBe(total);
    expect(most).toBeLessThanOrEqual(WINDOW);
  });

  test('an endless output is read no further than its reader reads', async () => {
    let sent = 0;
    const client = await peer((socket) => {
      socket.once('data', () => {
        socket.write(frames(started));
        const frame = encodeFrame(FrameType.DATA, Buffer.alloc(16 * 1024));
        const more = (): void => {
          do sent += frame.length;
          while (socket.write(frame));
        };
        socket.on('drain', more);
        more();
      });
    });
    const stream = await client.open(exec);
    let read = 0;
    for await (const chunk of stream.data) {
      read += (chunk as Buffer).length;
      // A turn of the loop is all that the peer needs to send more than one frame.
      await new Promise((resolve) => setImmediate(resolve));
      expect(stream.data.readableLength).toBeLessThan(512 * 1024);
      expect(sent - read).toBeLessThan(4 * 1024 * 1024);
      if (read > 32 * 1024 * 1024) break;
    }
    stream.destroy();
  });
});
