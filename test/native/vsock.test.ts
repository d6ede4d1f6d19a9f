// Connections of the addon with a real guest: both ways, refused, never answered, and none left over.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { echoShare, Guest } from './guest.ts';
import { control, descriptors, failure, returns, settles } from './machine.ts';
import { destroyed, dial, ended, roundTrip } from './sockets.ts';

/** Less than what makes vhost-device-vsock stop reading for good when many connections are full both ways. */
const WINDOW = 16 * 1024;

let guest: Guest;
let echo: number;
beforeAll(async () => {
  guest = await Guest.boot({ shares: echoShare() });
  echo = await guest.startEcho();
});
afterAll(() => guest?.[Symbol.asyncDispose]());
afterEach(() => control.setFaults(null));

/** Node's socket over a connection, which is released when it has closed. */
async function connect(): Promise<net.Socket> {
  const { fd, id } = await guest.machine.connect(echo, 60_000);
  const socket = new net.Socket({ fd });
  socket.once('close', () => guest.machine.release(id));
  return socket;
}

const left = (): Record<string, number> => {
  const { connections, blocks, queues } = control.live();
  return { connections, blocks, queues, descriptors: descriptors() };
};

describe('connect', () => {
  it('gives a descriptor that Node takes: bytes both ways', async () => {
    const { fd, id, sourcePort } = await guest.machine.connect(echo, 30_000);
    expect(sourcePort).toBeGreaterThan(0);
    expect(fstatSync(fd).isSocket()).toBe(true);
    const socket = new net.Socket({ fd });
    const bytes = randomBytes(1_000_003);
    expect((await roundTrip(socket, bytes, WINDOW)).equals(bytes)).toBe(true);
    await destroyed(socket);
    guest.machine.release(id);
  });

  it('to a port without a listener is refused, and the next one works', async () => {
    const error = await failure(() => guest.machine.connect(9999, 30_000));
    expect(error).toMatchObject({ kind: 'framework', domain: 'NSPOSIXErrorDomain' });
    await destroyed(await connect());
  });

  it('that is never answered ends after its time', async () => {
    control.setFaults('connect-silent');
    const error = await failure(() => guest.machine.connect(echo, 200));
    expect(error).toMatchObject({
      kind: 'timeout',
      message: expect.stringMatching(new RegExp(`port ${echo}: no answer within 200 ms`)),
    });
  });

  it('that is refused by the framework says so', async () => {
    control.setFaults('connect-refused');
    expect(await failure(() => guest.machine.connect(echo, 10_000))).toMatchObject({ domain: 'NSPOSIXErrorDomain' });
  });

  it('64 at once, each with its own bytes', async () => {
    const same = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const socket = await connect();
        const bytes = randomBytes(100_000);
        const back = await roundTrip(socket, bytes, WINDOW);
        await destroyed(socket);
        return back.equals(bytes);
      }),
    );
    expect(same).toEqual(Array(64).fill(true));
  });

  it('1,000 times leaves no descriptor, connection, block or queue behind', async () => {
    await destroyed(await connect());
    await settles(() => control.live().connections, 1);
    const before = left();
    for (let i = 0; i < 1000; i++) await destroyed(await connect());
    await returns(left, before);
  });
});

describe('serve', () => {
  it('carries bytes both ways, from CONNECT on', async () => {
    const socket = await dial(guest.path, echo);
    const bytes = randomBytes(1_000_001);
    expect((await roundTrip(socket, bytes, WINDOW)).equals(bytes)).toBe(true);
    await destroyed(socket);
  });

  it('passes on the end: of the client to the guest, and of the guest to the client', async () => {
    const socket = await dial(guest.path, echo);
    await roundTrip(socket, Buffer.from('x'));
    await ended(socket);
  });

  it('closes a port without a listener without OK', async () => {
    const socket = net.connect(guest.path);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write('CONNECT 9999\n');
    await once(socket, 'close');
    expect(answer).toBe('');
  });
});
