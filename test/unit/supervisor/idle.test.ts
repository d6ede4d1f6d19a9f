import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IdleWatch } from '../../../src/supervisor/idle.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch(timeout: number | null): { idle: IdleWatch; fired: () => number } {
  const onIdle = vi.fn();
  return { idle: new IdleWatch(timeout, onIdle), fired: () => onIdle.mock.calls.length };
}

test('idleness counts from the moment it is armed', () => {
  const { idle, fired } = watch(1000);
  vi.advanceTimersByTime(5000);
  idle.arm();
  vi.advanceTimersByTime(999);
  expect(fired()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(fired()).toBe(1);
});

test('an open stream holds it off, and its end starts the time anew', () => {
  const { idle, fired } = watch(1000);
  idle.arm();
  vi.advanceTimersByTime(900);
  idle.streams(1);
  vi.advanceTimersByTime(60_000);
  expect(fired()).toBe(0);
  idle.streams(0);
  vi.advanceTimersByTime(999);
  expect(fired()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(fired()).toBe(1);
});

test('null means never', () => {
  const { idle, fired } = watch(null);
  idle.arm();
  vi.advanceTimersByTime(1e9);
  expect(fired()).toBe(0);
});

test('a closed watch does not fire', () => {
  const { idle, fired } = watch(1000);
  idle.arm();
  idle.close();
  idle.streams(0);
  vi.advanceTimersByTime(5000);
  expect(fired()).toBe(0);
});

test('changes tell that somebody came, although nobody is there any more', () => {
  const { idle } = watch(1000);
  const before = idle.changes;
  idle.streams(1);
  idle.streams(0);
  expect(idle.active).toBe(0);
  expect(idle.changes).toBeGreaterThan(before);
});
