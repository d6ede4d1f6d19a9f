// What a user does with a store now and then: look at it, clean it up, hand something to the host.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { statePaths } from '../../../src/state/paths.ts';
import { ARCH, useHome } from '../vm/fixture.ts';
import { build, exists, isValid, root } from './guest.ts';
import { HostNix } from './host-nix.ts';

useHome();

const MIB = 1024 ** 2;
let host: HostNix;
let vm: Vm;
let given: string;

beforeAll(async () => {
  host = await HostNix.start();
  given = host.add('given', { file: 'from the host\n' });
  vm = await Vm.create({ arch: ARCH, network: 'none', memory: '1GiB', volume: 'work', disk: '4GiB', store: 'auto' });
});
afterAll(async () => {
  await vm?.stop({ force: true });
  await host?.[Symbol.asyncDispose]();
});

test('the layers are listed with what each holds', async () => {
  const report = await vm.storeReport();
  expect(report.layers).toEqual([
    { layer: 'volume', paths: 0, bytes: 0 },
    { layer: 'image', paths: expect.any(Number), bytes: expect.any(Number) },
    { layer: 'host', paths: 1, bytes: expect.any(Number) },
  ]);
  expect(report.layers[1]?.bytes).toBeGreaterThan(50 * MIB);
  expect(report.volume).toMatchObject({ path: join(statePaths().volumes, 'work.img'), size: 4 * 1024 * MIB });
});

test('what was built in the guest can be handed to the host, with all it refers to that the host lacks', async () => {
  const built = await build(
    vm,
    `let part = builtins.toFile "part" "made in the guest"; in
     pkgs.runCommand "result" { inherit part; given = builtins.storePath ${given}; } "echo $part $given >$out"`,
  );
  expect(host.has(built)).toBe(false);
  const copied = await vm.copyToHost([built]);
  expect(copied).toHaveLength(2);
  expect(copied).toContain(built);
  expect(host.run('cat', host.real(built))).toMatch(/-part \/nix\/store\/.*-given$/);
  expect(host.run('nix-store', '--query', '--references', built).split('\n')).toContain(given);
  host.run('nix-store', '--verify-path', built);
  expect(await vm.copyToHost([built])).toEqual([]);
});

test('what is no store path, or none of the guest, is refused by name', async () => {
  await expect(vm.copyToHost(['/etc/passwd'])).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
    message: "'/etc/passwd' is no store path",
  });
  const nothing = `/nix/store/${'0'.repeat(32)}-nothing`;
  await expect(vm.copyToHost([nothing])).rejects.toMatchObject({
    code: 'ERR_NIX',
    message: expect.stringContaining(nothing),
  });
});

test('a collection deletes what nobody needs, and the file on the host shrinks', async () => {
  const big = await build(vm, 'pkgs.runCommand "big" { } "head -c 100000000 /dev/urandom >$out"');
  const kept = await build(vm, 'pkgs.runCommand "kept" { } "echo kept >$out"');
  await root(vm, `ln -s ${kept} /nix/var/nix/gcroots/kept; sync`);
  const file = join(statePaths().volumes, 'work.img');
  const before = statSync(file).blocks * 512;
  const { paths, freed } = await vm.collectGarbage();
  expect(paths).toBeGreaterThanOrEqual(2);
  expect(freed).toBeGreaterThan(90 * MIB);
  expect(statSync(file).blocks * 512).toBeLessThan(before - 90 * MIB);
  expect(await exists(vm, big)).toBe(false);
  expect(await isValid(vm, big)).toBe(false);
  expect(await exists(vm, kept)).toBe(true);
  expect(await isValid(vm, given)).toBe(true);
});
