// QEMU is killed in the middle of guest builds, as a power failure would: the volume mounts again, and nothing that Nix calls
// valid is damaged. The last test shows that this procedure does find damage where there is some.

import { expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';
import { buildOne, cutOff, storeState } from './builds.ts';

useHome();

const start = (volume: string): Promise<Vm> =>
  Vm.create({ arch: ARCH, network: 'none', memory: '1GiB', volume, disk: '4GiB' });

const sound = { valid: expect.any(Number), built: expect.any(Number), integrity: 'ok', damage: [] };
/** What the store must have at least: nothing that was finished may be forgotten. */
let least = { valid: 0, built: 0 };

test.each([4, 2, 6])('the store verifies, and builds until the power fails after %i of them', async (after) => {
  const vm = await start('work');
  const state = await storeState(vm);
  expect(state).toEqual(sound);
  expect(state.valid).toBeGreaterThanOrEqual(least.valid);
  expect(state.built).toBeGreaterThanOrEqual(least.built);
  await cutOff(vm, after);
  // Of those that said they were done the last may not have been registered yet.
  least = { valid: state.valid, built: state.built + after - 1 };
});

test('after three power failures the store verifies, has all that was finished, and builds', async () => {
  expect(least.built).toBeGreaterThanOrEqual(9);
  await using vm = await start('work');
  const state = await storeState(vm);
  expect(state).toEqual(sound);
  expect(state.built).toBeGreaterThanOrEqual(least.built);
  await buildOne(vm);
});

test('without sync-before-registering the same procedure finds paths that Nix believes in and that are damaged', async () => {
  await cutOff(await start('unsafe'), 4, ['--option', 'sync-before-registering', 'false']);
  await using vm = await start('unsafe');
  const { damage, integrity } = await storeState(vm);
  expect(integrity).toBe('ok');
  expect(damage.join('\n')).toMatch(/path '.*-cut-\d+' was modified/);
});
