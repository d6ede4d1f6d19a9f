import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { Qmp, type QmpEvent } from '../../../../src/driver/qemu/qmp.ts';

/** A real QEMU without a machine: its monitor is all there is. */
function monitor(): { qmp: Qmp; events: QmpEvent[]; exit: Promise<unknown>; kill: () => void } {
  const argv = [
    '-machine',
    'none',
    '-nodefaults',
    '-display',
    'none',
    '-chardev',
    'socket,id=qmp,fd=3',
    '-mon',
    'chardev=qmp,mode=control',
  ];
  const child = spawn('qemu-system-aarch64', argv, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const events: QmpEvent[] = [];
  const qmp = new Qmp(child.stdio[3] as Duplex, (event) => events.push(event));
  return { qmp, events, exit: once(child, 'exit'), kill: () => void child.kill('SIGKILL') };
}

it('executes commands, also many at once, each with its own answer', async () => {
  const { qmp } = monitor();
  await qmp.open();
  const answers = await Promise.all(Array.from({ length: 50 }, () => qmp.execute('query-status')));
  expect(answers).toHaveLength(50);
  for (const answer of answers) expect(answer).toMatchObject({ running: true });
});

it("passes QEMU's own words on when a command is refused", async () => {
  const { qmp } = monitor();
  await qmp.open();
  await expect(qmp.execute('no-such-command')).rejects.toThrow(/QEMU refused 'no-such-command': .*not been found/);
});

it('delivers events, and ends with QEMU', async () => {
  const { qmp, events, exit } = monitor();
  await qmp.open();
  await qmp.execute('quit').catch(() => undefined);
  await exit;
  await qmp.closed;
  expect(events).toContainEqual({ event: 'SHUTDOWN', data: { guest: false, reason: 'host-qmp-quit' } });
});

it('rejects what waits, and all that comes later, when QEMU is gone', async () => {
  const { qmp, kill } = monitor();
  await qmp.open();
  kill();
  await qmp.closed;
  await expect(qmp.execute('query-status')).rejects.toThrow(/no answer to 'query-status'/);
});

it('rejects open() when QEMU ends before its greeting', async () => {
  const { qmp, kill } = monitor();
  kill();
  await expect(qmp.open()).rejects.toThrow(/QEMU ended before its monitor answered/);
});

/** A peer that says what the test wants. */
function peer(): { stream: Duplex; say: (text: string) => void } {
  const incoming = new PassThrough();
  const stream = Duplex.from({ readable: incoming, writable: new PassThrough().resume() });
  return { stream, say: (text) => void incoming.write(text) };
}

it.each([
  ['a line without an end', 'x'.repeat(1024 * 1024 + 1)],
  ['no JSON', 'hello\n'],
  ['no object', '42\n'],
])('ends the connection when it gets %s', async (_, text) => {
  const { stream, say } = peer();
  const qmp = new Qmp(stream, () => undefined);
  const waiting = qmp.execute('query-status');
  waiting.catch(() => undefined);
  say(text);
  await expect(waiting).rejects.toThrow(/no answer to 'query-status'/);
  await qmp.closed;
});

it('reads messages however they are cut', async () => {
  const { stream, say } = peer();
  const events: string[] = [];
  const qmp = new Qmp(stream, ({ event }) => events.push(event));
  const answer = qmp.execute('query-status');
  for (const byte of '{"QMP":{}}\r\n{"event":"STOP"}\n{"return":{"status":"ü"},"id":1}\n') say(byte);
  expect(await answer).toEqual({ status: 'ü' });
  expect(events).toEqual(['STOP']);
});
