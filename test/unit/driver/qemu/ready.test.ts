import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Child, startChild } from '../../../../src/driver/qemu/child.ts';
import { listening } from '../../../../src/driver/qemu/ready.ts';
import { scratch } from '../scratch.ts';

/** A node program that is told the path of the socket. */
function daemon(code: string): { child: Child; path: string } {
  const directory = scratch();
  const path = join(directory, 'd.sock');
  const argv = [process.execPath, '-e', code, path];
  const child = startChild({ name: 'daemon', setpriv: 'setpriv', argv, cwd: directory, log: join(directory, 'log') });
  onTestFinished(() => child.kill());
  return { child, path };
}

it('resolves when the daemon listens', async () => {
  const { child, path } = daemon("require('net').createServer().listen(process.argv[1])");
  await listening(path, child);
  expect(child.running()).toBe(true);
});

it('a file of that name is not enough', async () => {
  const { child, path } = daemon("require('fs').writeFileSync(process.argv[1], ''); process.exitCode = 3");
  await expect(listening(path, child)).rejects.toThrow(/^cannot start the machine: daemon exited with status 3$/);
});

it('says what the daemon said when it ends first', async () => {
  const { child, path } = daemon("console.error('cannot bind'); process.exitCode = 1");
  await expect(listening(path, child)).rejects.toMatchObject({
    code: 'ERR_VM_START',
    message: 'cannot start the machine: daemon exited with status 1 (cannot bind)',
  });
});

it('rejects with the reason of an abort, also one that came before', async () => {
  const { child, path } = daemon('setInterval(() => undefined, 1000)');
  const reason = new Error('enough');
  const abort = new AbortController();
  const waiting = listening(path, child, abort.signal);
  abort.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(listening(path, child, abort.signal)).rejects.toBe(reason);
});
