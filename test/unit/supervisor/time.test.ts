import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepTime } from '../../../src/supervisor/time.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the clock is set every ten seconds', async () => {
  const setTime = vi.fn(async () => undefined);
  const stop = keepTime(setTime);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(setTime.mock.calls.length).toBeGreaterThanOrEqual(3);
  expect(setTime.mock.calls.length).toBeLessThanOrEqual(4);
  stop();
});

test('a host that slept is noticed at the next look', async () => {
  const setTime = vi.fn(async () => undefined);
  const stop = keepTime(setTime);
  vi.setSystemTime(Date.now() + 3_600_000);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(setTime).toHaveBeenCalledTimes(1);
  stop();
});

test('an agent that does not answer is not asked twice at once', async () => {
  const setTime = vi.fn(() => new Promise<never>(() => undefined));
  const stop = keepTime(setTime);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(setTime).toHaveBeenCalledTimes(1);
  stop();
});

test('a failure is no end', async () => {
  const setTime = vi.fn(() => Promise.reject(new Error('no answer')));
  const stop = keepTime(setTime);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(setTime.mock.calls.length).toBeGreaterThan(3);
  stop();
  const calls = setTime.mock.calls.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(setTime.mock.calls.length).toBe(calls);
});
