// Host stores that are not as one would like them, and a power cut: a real Nix on the host, a real guest.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';
import { cutOff, storeState } from '../volume/builds.ts';
import { isValid, root } from './guest.ts';
import { HostNix } from './host-nix.ts';

useHome();

let host: HostNix;
const start = (volume: string): Promise<Vm> =>
  Vm.create({ arch: ARCH, network: 'none', memory: '1GiB', volume, disk: '4GiB', store: 'host' });

beforeAll(async () => {
  host = await HostNix.start('use-case-hack = true\n');
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

test("a path with renamed files is not the guest's, nor is what refers to it; the guest makes its own, and it verifies (T7)", async () => {
  // As a Mac's Nix stores it: two names that differ in case, one of them renamed.
  const hacked = host.add('headers', { 'xt_MARK.h': 'upper\n', 'xt_mark.h~nix~case~hack~1': 'lower\n' });
  const user = host.addReferrer('user', hacked);
  const good = host.add('good', { file: 'good\n' });
  await using vm = await start('case');
  expect(vm.info.store?.host).toMatchObject({ paths: 1, leftOut: 2 });
  expect(host.run('ls', host.real(hacked))).toBe('xt_MARK.h\nxt_mark.h~nix~case~hack~1');
  expect(await isValid(vm, good)).toBe(true);
  expect(await isValid(vm, hacked)).toBe(false);
  expect(await isValid(vm, user)).toBe(false);
  const made = await vm.sh(
    'mkdir -p /tmp/t/headers && cd /tmp/t && echo upper >headers/xt_MARK.h && echo lower >headers/xt_mark.h && nix-store --add-fixed --recursive sha256 headers',
  );
  expect(made.stdout.trim()).toBe(hacked);
  expect((await vm.exec('ls', [hacked])).stdout).toBe('xt_MARK.h\nxt_mark.h\n');
  expect((await root(vm, `nix-store --verify-path ${hacked}`)).exitCode).toBe(0);
});

test("a power cut in the middle of builds leaves a store that verifies, below it the host's (T18)", async () => {
  const vm = await start('power');
  const before = await storeState(vm);
  expect(before).toMatchObject({ integrity: 'ok', damage: [] });
  await cutOff(vm, 3);
  await using again = await start('power');
  const after = await storeState(again);
  expect(after).toMatchObject({ integrity: 'ok', damage: [] });
  expect(after.built).toBeGreaterThanOrEqual(before.built + 2);
});
