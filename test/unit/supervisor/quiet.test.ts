import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { QuietWork } from '../../../src/supervisor/quiet.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('it is done once after a row of commands, and its own stream is not one of them', async () => {
  const done: number[] = [];
  const quiet = new QuietWork(async () => {
    done.push(Date.now());
    quiet.streams(1);
    quiet.streams(0);
  });
  for (let command = 0; command < 3; command += 1) {
    quiet.streams(1);
    quiet.streams(0);
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(done).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).toHaveLength(1);
  quiet.streams(1);
  quiet.streams(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).toHaveLength(2);
});

test('a command that runs is not met, and after the end nothing is done any more', async () => {
  const work = vi.fn(async () => undefined);
  const quiet = new QuietWork(work);
  quiet.streams(1);
  quiet.streams(0);
  quiet.streams(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).not.toHaveBeenCalled();
  quiet.streams(0);
  quiet.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).not.toHaveBeenCalled();
});

test('what fails is written down, but not for ever', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const quiet = new QuietWork(async () => {
    quiet.streams(0);
    throw new Error('no');
  });
  for (let command = 0; command < 50; command += 1) {
    quiet.streams(0);
    await vi.advanceTimersByTimeAsync(2000);
  }
  expect(log.mock.calls.length).toBe(20);
  log.mockRestore();
});
