// What becomes of a volume, and of what it knows of the host's store, when either is another one: after a reboot, after the host has
// deleted something, on another host.

import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';
import { build, buildArguments, fixedOutput, isValid, root, writeFlake } from './guest.ts';
import { HostNix } from './host-nix.ts';

useHome();

const TOOL = { 'bin/host-tool': '#!/bin/sh\necho from the host\n' };
let host: HostNix;
let project: string;
let tool: string;
let toolHash: string;
let vm: Vm;

const start = (): Promise<Vm> =>
  Vm.create({
    ...{ arch: ARCH, network: 'none', memory: '1GiB', volume: 'work', disk: '4GiB', store: 'host' },
    mounts: [{ source: project }],
    workdir: project,
  });

/** Built in the guest, with a reference to the host's tool. */
const BUILT = (): string =>
  `pkgs.runCommand "built" { tool = ${fixedOutput('host-tool', toolHash)}; } "echo $tool >$out"`;

beforeAll(async () => {
  host = await HostNix.start();
  tool = host.add('host-tool', TOOL);
  toolHash = host.run('nix-store', '-q', '--hash', tool);
  project = mkdtempSync('/tmp/vzp-');
  writeFlake(project, fixedOutput('host-tool', toolHash));
  vm = await start();
});

afterAll(async () => {
  await vm?.stop({ force: true }).catch(() => undefined);
  await host?.[Symbol.asyncDispose]();
  rmSync(project, { recursive: true, force: true });
});

test('what was built on top of a path of the host is valid after a reboot (T12)', async () => {
  const built = await build(vm, BUILT());
  await root(vm, `ln -sfn ${built} /nix/var/nix/gcroots/built`);
  await vm.stop();
  vm = await start();
  expect((await vm.exec('cat', [built])).stdout).toBe(`${tool}\n`);
  expect(await isValid(vm, built)).toBe(true);
  expect(await isValid(vm, tool)).toBe(true);
  expect((await root(vm, 'nix-store --verify --check-contents')).stderr).not.toMatch(/error|modified|disappeared/);
});

test('a path that the host deletes by force is an error that names it, and after a refresh nobody believes in it (T5)', async () => {
  const built = await build(vm, BUILT());
  host.destroy(tool);
  const run = await vm.exec(`${tool}/bin/host-tool`, [], { reject: false }).catch((error: Error) => error);
  expect(JSON.stringify(run) + String(run)).toContain(tool);
  expect(await vm.refreshStore()).toBe(true);
  expect(await isValid(vm, tool)).toBe(false);
  expect(await isValid(vm, built)).toBe(false);
  const failed = await vm.exec('nix', buildArguments(BUILT()), { reject: false });
  expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('/is-not-there') });
  // As it would be after somebody had built or fetched it again.
  expect(host.add('host-tool', TOOL)).toBe(tool);
  expect(await vm.refreshStore()).toBe(true);
  expect(await build(vm, BUILT())).toBe(built);
  expect((await vm.exec(`${tool}/bin/host-tool`)).stdout).toBe('from the host\n');
  await vm.develop({ cache: false });
  host.collect();
  expect(host.has(tool)).toBe(true);
});

test('with the store of another host, the volume believes in nothing that is gone (T11)', async () => {
  const built = await build(vm, BUILT());
  await vm.stop();
  await using other = await HostNix.start();
  const elsewhere = other.add('elsewhere', { file: 'another host\n' });
  vm = await start();
  expect(await isValid(vm, elsewhere)).toBe(true);
  expect(await isValid(vm, tool)).toBe(false);
  expect(await isValid(vm, built)).toBe(false);
  expect((await root(vm, 'nix-store --verify')).stderr).not.toMatch(/error|disappeared/);
});
