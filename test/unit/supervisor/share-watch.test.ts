import { expect, test } from 'vitest';
import type { Machine, ShareUse } from '../../../src/driver/driver.ts';
import { ShareWatch } from '../../../src/supervisor/share-watch.ts';

const machine = (use: ShareUse | null): Machine => ({ shareUse: () => use }) as Machine;

test("the guest is told the host's limit, or that of a test; of none it is told nothing", () => {
  const limitOf = (use: ShareUse | null, override = ''): object => {
    const watch = new ShareWatch();
    watch.watch(machine(use), override);
    return watch.limit;
  };
  expect(limitOf({ limit: 20_000, open: 22 })).toEqual({ shareLimit: 20_000 });
  expect(limitOf({ limit: 20_000, open: 22 }, '500')).toEqual({ shareLimit: 500 });
  expect(limitOf({ limit: null, open: null })).toEqual({});
  expect(limitOf(null)).toEqual({});
});

test('it tells what became of it', () => {
  const watch = new ShareWatch();
  expect(watch.status()).toBeNull();
  watch.watch(machine({ limit: 20_000, open: null }), '');
  watch.trimmed();
  watch.trimmed();
  expect(watch.status()).toEqual({ limit: 20_000, open: null, trims: 2 });
});
