import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { QuietWork } from '../../../src/supervisor/quiet.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The guest's side: streams that open and end. */
function guest(work: (guest: { open(): void; end(): void }) => Promise<void>) {
  let [active, opened] = [0, 0];
  const open = (): void => {
    active += 1;
    opened += 1;
    if (active === 1) quiet.streams(active, opened);
  };
  const end = (): void => {
    active -= 1;
    if (active === 0) quiet.streams(active, opened);
  };
  const quiet = new QuietWork(() => work({ open, end }));
  return { quiet, open, end };
}

test('it is done once after a row of commands, and its own stream is not one of them', async () => {
  let done = 0;
  const { open, end } = guest(async (own) => {
    done += 1;
    own.open();
    own.end();
  });
  for (let command = 0; command < 3; command += 1) {
    open();
    end();
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(done).toBe(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).toBe(1);
  open();
  end();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).toBe(2);
});

test.each(['first', 'last'])('a command beside it counts, also when it ends %s', async (which) => {
  let done = 0;
  const { open, end } = guest(async (own) => {
    done += 1;
    own.open();
    if (done > 1) return own.end();
    open();
    // Which of the two it is the guest does not say.
    end();
    if (which === 'first') own.end();
    else queueMicrotask(own.end);
  });
  open();
  end();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).toBe(2);
});

test('when it opens no stream, the next command is not taken for its own', async () => {
  let done = 0;
  const { open, end } = guest(async () => {
    done += 1;
  });
  for (let command = 0; command < 2; command += 1) {
    open();
    end();
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(done).toBe(2);
});

test('a command that runs is not met, and after the end nothing is done any more', async () => {
  const work = vi.fn(async () => undefined);
  const { quiet, open, end } = guest(work);
  open();
  end();
  open();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).not.toHaveBeenCalled();
  end();
  quiet.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).not.toHaveBeenCalled();
});

test('what fails is written down, but not for ever', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const { open, end } = guest(async (own) => {
    own.open();
    own.end();
    throw new Error('no');
  });
  for (let command = 0; command < 50; command += 1) {
    open();
    end();
    await vi.advanceTimersByTimeAsync(2000);
  }
  expect(log.mock.calls.length).toBe(20);
  log.mockRestore();
});
