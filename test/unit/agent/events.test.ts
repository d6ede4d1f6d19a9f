import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LineCutter, readEvents } from '../../../src/agent/events.ts';
import type { AgentEvent } from '../../../src/agent/operations.ts';
import { ProtocolError } from '../../../src/agent/protocol.ts';
import { below, mutated, pieces, randomFrom } from './random.ts';

const HELLO = { event: 'hello', protocol: 1, version: '0.1.0', arch: 'arm64', bootMs: 900 };
const READY = { event: 'phase', phase: 'ready', uptimeMs: 1200 };

let directory: string;
let server: net.Server;
let guest: net.Socket;
let host: net.Socket;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vz-events-'));
  const path = join(directory, 'events');
  server = net.createServer({ pauseOnConnect: true }).listen(path);
  await once(server, 'listening');
  guest = net.connect(path).on('error', () => undefined);
  [host] = (await once(server, 'connection')) as [net.Socket];
  return () => server.close();
});
afterEach(async () => {
  guest.destroy();
  host.destroy();
  await rm(directory, { recursive: true });
});

async function all(): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  for await (const event of readEvents(host)) events.push(event);
  return events;
}

test('events come in order, however they are cut, and end with the connection', async () => {
  const text = Buffer.from(`${JSON.stringify(HELLO)}\n${JSON.stringify(READY)}\n`);
  const events = all();
  for (const piece of pieces(randomFrom(3), text, 9)) guest.write(piece);
  guest.end('{"event":"str');
  expect(await events).toEqual([HELLO, READY]);
});

test('a connection that is torn down has ended', async () => {
  const events = readEvents(host);
  guest.write(`${JSON.stringify(HELLO)}\n`);
  expect((await events.next()).value).toEqual(HELLO);
  // Closed with something unread, a socket is reset.
  await new Promise((resolve) => host.write('x', resolve));
  guest.destroy();
  expect((await events.next()).done).toBe(true);
});

test('another version is refused by name', async () => {
  guest.write(`${JSON.stringify({ ...HELLO, protocol: 2, version: '9.9' })}\n`);
  await expect(all()).rejects.toMatchObject({
    code: 'ERR_PROTOCOL',
    message: "the guest's agent 9.9 speaks protocol 2, this vzshell speaks 1",
  });
});

test.each([
  ['a phase before the hello', `${JSON.stringify(READY)}\n`],
  ['an unknown event', `${JSON.stringify(HELLO)}\n{"event":"rm"}\n`],
  ['no JSON', 'GET / HTTP/1.1\n'],
  ['an endless line', 'x'.repeat(9000)],
  ['an overlong line', `${JSON.stringify(HELLO)}\n"${'x'.repeat(9000)}"\n`],
])('%s ends the connection with a typed error', async (_name, text) => {
  guest.write(text);
  await expect(all()).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  expect(host.destroyed).toBe(true);
});

test('whatever comes: lines within the limit or a ProtocolError', () => {
  const random = randomFrom(11);
  const seed = Buffer.from(`${JSON.stringify(HELLO)}\n`.repeat(200));
  for (let round = 0; round < 200; round += 1) {
    const cutter = new LineCutter();
    try {
      for (const piece of pieces(random, mutated(random, seed), 1 + below(random, 20_000))) {
        for (const line of cutter.push(piece)) expect(line.length).toBeLessThanOrEqual(8192);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});
