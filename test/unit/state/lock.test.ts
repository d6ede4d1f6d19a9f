import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flockArgv, LockRefused, withLock } from '../../../src/state/lock.ts';
import { scratch } from './scratch.ts';

const isFree = (path: string): boolean => {
  try {
    execFileSync('flock', ['-n', path, 'true']);
    return true;
  } catch {
    return false;
  }
};

test('one holder at a time, and free again afterwards', async () => {
  const path = join(scratch(), 'lock');
  const free = await withLock(path, { wait: 0 }, async () => isFree(path));
  expect([free, isFree(path)]).toEqual([false, true]);
});

test('the lock is free after work that failed', async () => {
  const path = join(scratch(), 'lock');
  await expect(withLock(path, {}, () => Promise.reject(new Error('work failed')))).rejects.toThrow('work failed');
  expect(isFree(path)).toBe(true);
});

test('a second one is refused at once with wait 0', async () => {
  const path = join(scratch(), 'lock');
  await withLock(path, {}, async () => {
    await expect(withLock(path, { wait: 0 }, async () => 'got it')).rejects.toBeInstanceOf(LockRefused);
  });
});

test('ten at once take turns', async () => {
  const path = join(scratch(), 'lock');
  let inside = 0;
  const most = await Promise.all(
    Array.from({ length: 10 }, () =>
      withLock(path, {}, async () => {
        inside += 1;
        const now = inside;
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        return now;
      }),
    ),
  );
  expect(most).toEqual(Array(10).fill(1));
});

test('an abort ends the waiting with its reason', async () => {
  const path = join(scratch(), 'lock');
  await withLock(path, {}, async () => {
    const controller = new AbortController();
    const waiting = withLock(path, { signal: controller.signal }, async () => 'got it');
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

test('a program started through flockArgv holds the lock until it is killed', async () => {
  const path = join(scratch(), 'lock');
  const [program = '', ...args] = [...flockArgv(path, 0, 75), 'sh', '-c', 'echo; exec sleep 60'];
  const holder = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const second = spawn(program, args, { stdio: 'ignore' });
  expect(await once(second, 'exit')).toEqual([75, null]);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(isFree(path)).toBe(true);
});

test('without flock the error says what to install', async () => {
  const path = process.env.PATH;
  process.env.PATH = scratch();
  try {
    await expect(withLock(join(scratch(), 'lock'), {}, async () => undefined)).rejects.toThrow("cannot run 'flock'");
  } finally {
    process.env.PATH = path;
  }
});
