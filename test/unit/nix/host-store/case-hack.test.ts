import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hackedPaths } from '../../../../src/nix/host-store/case-hack.ts';
import { scratch } from '../../state/scratch.ts';

/** A store of two small paths, one renamed, and between them one of so many directories that others get their turn. */
function makeStore(): string {
  const store = scratch();
  for (const folder of ['0-plain/bin', '2-renamed/include']) mkdirSync(join(store, folder), { recursive: true });
  for (let each = 0; each < 250; each++) mkdirSync(join(store, `1-large/${each}`), { recursive: true });
  writeFileSync(join(store, '2-renamed/include/xt_mark.h~nix~case~hack~1'), '');
  writeFileSync(join(store, '3-some.drv'), '');
  return store;
}
const NAMES = ['0-plain', '1-large', '2-renamed', '3-some.drv', '4-gone'];

test('a renamed file is found wherever it lies, and whoever waits hears how far it is', async () => {
  const store = makeStore();
  const told: [number, number][] = [];
  const memory = join(scratch(), 'names');
  const look = (): Promise<string[]> =>
    hackedPaths(store, NAMES, memory, { onLooked: (...now) => void told.push(now) });
  expect(await look()).toEqual(['2-renamed']);
  expect(told[0]).toEqual([1, 5]);
  // Nothing is looked at again, and what is gone from the list is forgotten.
  told.length = 0;
  rmSync(store, { recursive: true });
  expect(await look()).toEqual(['2-renamed']);
  expect(told).toEqual([]);
  expect(await hackedPaths(store, ['0-plain'], memory)).toEqual([]);
  expect(await look()).toEqual([]);
});

test('a search that is called off keeps what it has found', async () => {
  const store = makeStore();
  const memory = join(scratch(), 'names');
  const names = ['2-renamed', '1-large', '0-plain'];
  const signal = AbortSignal.abort(new Error('changed my mind'));
  await expect(hackedPaths(store, names, memory, { signal })).rejects.toThrow('changed my mind');
  expect(existsSync(memory)).toBe(true);
  rmSync(join(store, '2-renamed'), { recursive: true });
  const told: [number, number][] = [];
  expect(await hackedPaths(store, names, memory, { onLooked: (...now) => void told.push(now) })).toEqual(['2-renamed']);
  // Two are left: the one in which it was called off, and the one behind it.
  expect(told[0]).toEqual([0, 2]);
});
