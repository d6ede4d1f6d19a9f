import { closeSync, openSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { openFileLimit, openFiles } from '../../../src/driver/open-files.ts';
import { shareUseOf } from '../../../src/driver/qemu/share-use.ts';
import { parseLimits, shareLimit } from '../../../src/driver/vz/share-limit.ts';

const NOBODY = 2 ** 30;
const opened: number[] = [];
afterEach(() => {
  for (const file of opened.splice(0)) closeSync(file);
});

test('descriptors are counted, and so is what may be opened', () => {
  const before = openFiles(process.pid) ?? 0;
  for (let i = 0; i < 100; i += 1) opened.push(openSync('/dev/null', 'r'));
  expect(openFiles(process.pid)).toBe(before + 100);
  expect(openFileLimit('self', 'hard')).toBeGreaterThanOrEqual(openFileLimit('self', 'soft') ?? Number.NaN);
});

test('of several processes the worst counts; of one that is gone nothing is known', () => {
  expect(shareUseOf([process.pid, NOBODY])).toEqual({
    limit: openFileLimit('self', 'soft'),
    open: openFiles(process.pid),
  });
  expect(shareUseOf([NOBODY])).toEqual({ limit: null, open: null });
  expect(shareUseOf([])).toBeNull();
});

test('a machine gets no more than half of the files of a Mac', () => {
  expect(shareLimit(parseLimits('245760\n122880\n'))).toBe(122_880);
  expect(shareLimit(parseLimits('49152\n40960\n'))).toBe(24_576);
  for (const nonsense of ['', 'x y', '1', '-1 5', '0 0']) expect(parseLimits(nonsense), nonsense).toBeNull();
  expect(shareLimit(null)).toBeNull();
});
