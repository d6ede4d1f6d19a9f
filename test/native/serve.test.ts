// The served socket: its handshake, its pace, its ends, and what it leaves behind. Its guest is a process that echoes.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { VzMachine } from '../../src/driver/vz/binding.ts';
import { echoMachine } from './guest.ts';
import { config, control, descriptors, nobody, returns, settles, vz } from './machine.ts';
import { destroyed, dial, ended, roundTrip } from './sockets.ts';

const ECHO = 5000;
const SINK = 5001;
const directory = mkdtempSync('/tmp/vzn-');
const path = join(directory, 'v.sock');
let machine: VzMachine;
beforeAll(async () => {
  machine = await echoMachine(path);
});
afterAll(async () => {
  await machine?.close();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(() => control.setFaults(null));

const left = (): Record<string, number> => {
  const { connections, blocks, queues } = control.live();
  return { connections, blocks, queues, descriptors: descriptors() };
};

describe('the handshake', () => {
  it('takes bytes that come with the request', async () => {
    const socket = net.connect(path);
    socket.write(`CONNECT ${ECHO}\nhello`);
    let back = '';
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        back += chunk;
        if (back.endsWith('hello')) resolve();
      });
    });
    expect(back).toMatch(/^OK \d+\nhello$/);
    await destroyed(socket);
  });

  it('takes a request that comes in pieces', async () => {
    const socket = net.connect(path);
    for (const piece of ['CON', 'NECT ', `${ECHO}`, '\n']) {
      await new Promise((resolve) => socket.write(piece, resolve));
    }
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^OK \d+\n/);
    await destroyed(socket);
  });

  it.each([
    ['a port without a listener', 'CONNECT 9999\n'],
    ['no port', 'CONNECT \n'],
    ['a port that is too large', 'CONNECT 4294967296\n'],
    ['any port', 'CONNECT 4294967295\n'],
    ['port zero', 'CONNECT 0\n'],
    ['a sign', 'CONNECT +5000\n'],
    ['two ports', 'CONNECT 5000 1\n'],
    ['a carriage return', 'CONNECT 5000\r\n'],
    ['another word', 'GET / HTTP/1.1\r\n\r\n'],
    ['lower case', 'connect 5000\n'],
    ['a line without end', 'CONNECT 1111111111111111111111111111111111'],
    ['binary', '\0\x01\xff\n'],
  ])('closes %s without OK', async (_name, request) => {
    const socket = net.connect(path);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', nobody);
    socket.write(request, 'latin1');
    await once(socket, 'close');
    expect(answer).toBe('');
  });
});

describe('a connection', () => {
  it('carries every byte, both ways at once', async () => {
    const socket = await dial(path, ECHO);
    const bytes = randomBytes(64 * 1024 * 1024);
    expect((await roundTrip(socket, bytes)).equals(bytes)).toBe(true);
    await destroyed(socket);
  });

  it('passes on the end of one direction, and the other goes on: a half-closed client gets its answer', async () => {
    const socket = await dial(path, SINK);
    socket.end(Buffer.alloc(10_000_019));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.resume();
    await once(socket, 'close');
    expect(answer).toBe('10000019\n');
  });

  it('whose client does not read stalls itself, and no other; what was sent before is not lost', async () => {
    const stalled = await dial(path, ECHO);
    const bytes = randomBytes(32 * 1024 * 1024);
    const back = stalled.pause();
    stalled.write(bytes);
    const other = await dial(path, ECHO);
    const mine = randomBytes(1_000_000);
    expect((await roundTrip(other, mine)).equals(mine)).toBe(true);
    await destroyed(other);
    const got: Buffer[] = [];
    let size = 0;
    await new Promise<void>((resolve) => {
      back.on('data', (chunk: Buffer) => {
        got.push(chunk);
        size += chunk.length;
        if (size === bytes.length) resolve();
      });
      back.resume();
    });
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
    await destroyed(stalled);
  });

  it('64 at once, a megabyte each', async () => {
    const same = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const socket = await dial(path, ECHO);
        const bytes = randomBytes(1024 * 1024);
        const back = await roundTrip(socket, bytes);
        await destroyed(socket);
        return back.equals(bytes);
      }),
    );
    expect(same).toEqual(Array(64).fill(true));
  });

  it('dies with the machine, and the next machine is not in its way', async () => {
    const own = join(directory, 'w.sock');
    const short = await echoMachine(own);
    const socket = await dial(own, ECHO);
    const end = once(socket.resume(), 'end');
    await short.stop();
    await end;
    await destroyed(socket);
    expect(existsSync(own)).toBe(true);
    await short.close();
    expect(existsSync(own)).toBe(false);
  });
});

describe('what is left behind', () => {
  it('1,000 clients that come and go: nothing', async () => {
    await ended(await dial(path, ECHO));
    await settles(() => control.live().connections, 0);
    const before = left();
    for (let i = 0; i < 500; i++) await ended(await dial(path, ECHO));
    for (let i = 0; i < 500; i++) await destroyed(await dial(path, ECHO));
    await returns(left, before);
  });

  it('clients that vanish with bytes under way: nothing', async () => {
    const before = left();
    for (let i = 0; i < 50; i++) {
      const socket = await dial(path, ECHO);
      socket.write(Buffer.alloc(1_000_000));
      await destroyed(socket);
    }
    await returns(left, before);
  });

  it('clients that vanish while their connect waits: nothing', async () => {
    control.setFaults('connect-silent');
    const before = left();
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = net.connect(path);
        await once(socket, 'connect');
        await new Promise((resolve) => socket.write(`CONNECT ${ECHO}\n`, resolve));
        await destroyed(socket);
      }),
    );
    await returns(() => ({ descriptors: descriptors() }), before);
  });

  it('clients that never finish their request: nothing, when they go', async () => {
    const before = left();
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = net.connect(path);
        await once(socket, 'connect');
        socket.write('CONN');
        return socket;
      }),
    );
    await Promise.all(sockets.map(destroyed));
    await returns(left, before);
  });
});

describe('machines', () => {
  it('100 that were made, served and closed leave no descriptor, object, block or queue behind', async () => {
    const before = left();
    const own = join(directory, 'm.sock');
    const once = async (): Promise<void> => {
      const made = new vz.Machine(config({ network: [{ mac: null, attachment: { kind: 'nat' } }] }), nobody);
      await made.serve(own, [1, 2, 3]);
      await made.listen(4);
      await made.close();
      expect(existsSync(own)).toBe(false);
    };
    await once();
    await returns(left, before);
    const { objects } = control.live();
    for (let i = 0; i < 100; i++) await once();
    await returns(left, before);
    await returns(() => control.live().objects, objects);
  });

  it('100 that ran leave nothing behind either', { timeout: 240_000 }, async () => {
    const before = left();
    const own = join(directory, 'r.sock');
    const once = async (): Promise<void> => {
      const made = await echoMachine(own);
      const socket = await dial(own, ECHO);
      await roundTrip(socket, Buffer.from('x'));
      await made.close();
      await destroyed(socket);
    };
    await once();
    await returns(left, before);
    const { objects } = control.live();
    for (let i = 0; i < 100; i++) await once();
    await returns(left, before);
    await returns(() => control.live().objects, objects);
  });
});
