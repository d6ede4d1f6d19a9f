// A volume that is too small for what is written to it.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { statePaths } from '../../../src/state/paths.ts';
import { ARCH, useHome } from '../vm/fixture.ts';

useHome();

test('a fresh volume that was filled before Nix ever ran can still be cleaned up by Nix', async () => {
  await using vm = await Vm.create({ arch: ARCH, network: 'none', memory: '512MiB', disk: '256MiB' });
  // The user of the tests may be root, for whom the file system keeps nothing back.
  const fill = await vm.sh('dd if=/dev/zero of=/nix/.l/vol/cache/big bs=1M', { user: 'root', reject: false });
  expect(fill).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('No space left on device') });
  expect((await vm.exec('nix-store', ['--gc'])).stdout).toMatch(/store paths deleted/);
  const build = `(import /etc/vzshell/pkgs { system = builtins.currentSystem; }).runCommand "big" { } "dd if=/dev/zero of=$out bs=1M"`;
  const full = await vm.exec('nix', ['build', '-L', '--offline', '--no-link', '--impure', '--expr', build], {
    reject: false,
  });
  expect(full).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/No space left on device|disk is full/) });
});

const machine = { arch: ARCH, network: 'none', memory: '512MiB', volume: 'small' } as const;

test("a full volume is the guest's own error, the VM lives on, starts again, and can clean up", async () => {
  const vm = await Vm.create({ ...machine, disk: '256MiB' });
  const build = `(import /etc/vzshell/pkgs { system = builtins.currentSystem; }).runCommand "big" { } "dd if=/dev/zero of=$out bs=1M"`;
  const full = await vm.exec('nix', ['build', '-L', '--offline', '--no-link', '--impure', '--expr', build], {
    reject: false,
  });
  expect(full).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('No space left on device') });

  const write = await vm.sh('dd if=/dev/zero of=.cache/big bs=1M', { reject: false });
  expect(write).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('No space left on device') });
  expect(vm.state).toBe('running');
  await vm.stop();
  expect(statSync(join(statePaths().volumes, 'small.img')).size).toBe(256 * 1024 ** 2);

  await using again = await Vm.create(machine);
  await again.exec('nix-collect-garbage');
  await again.exec('nix-store', ['--verify', '--check-contents'], { user: 'root' });
  await again.exec('rm', ['.cache/big']);
  await again.sh('echo room again >.cache/small');
  expect((await again.exec('cat', ['.cache/small'])).stdout).toBe('room again\n');
});
