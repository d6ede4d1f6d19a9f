// A volume is cloned with what a guest has built on it, and two guests go on from there at the same time.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { CLI } from '../cli/project.ts';
import { build, isValid } from '../store/guest.ts';
import { ARCH, useHome } from '../vm/fixture.ts';

useHome();

const start = (name: string, volume: string): Promise<Vm> =>
  Vm.create({ arch: ARCH, network: 'none', memory: '1GiB', disk: '4GiB', store: 'image', name, volume });

const derivation = (name: string): string =>
  `derivation { name = "${name}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo ${name} > $out" ]; }`;

async function vzshell(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(CLI, args);
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, said: stderr };
  }
}

let built: string;

test('a volume in use is refused, and so is one whose machine was killed, until a guest has mended it', async () => {
  const vm = await start('original', 'work');
  built = await build(vm, derivation('built-before'));
  expect(await vzshell('volume', 'clone', 'work', 'copy')).toEqual({
    code: 125,
    said: expect.stringMatching(
      /^vzshell: cannot use volume 'work': it is in use by vm 'original' .*\n {2}stop it with `vzshell stop original`\n$/,
    ),
  });
  await vm.exec('sync', []);
  await vm.stop({ force: true });
  expect(await vzshell('volume', 'clone', 'work', 'copy')).toEqual({
    code: 125,
    said: expect.stringContaining("volume 'work' was not unmounted in order"),
  });
  await (await start('original', 'work')).stop();
  expect(await vzshell('volume', 'clone', 'work', 'copy')).toEqual({ code: 0, said: '' });
  const volumes = JSON.parse((await vzshell('volume', 'list', '--json')).said) as { name: string; used: number }[];
  expect(volumes.map(({ name }) => name)).toEqual(['copy', 'work']);
  expect((await vzshell('volume', 'clone', 'work', 'copy')).said).toContain("there is a volume 'copy' already");
});

test('both have what was built, verify it, and build on, at the same time', async () => {
  const vms = await Promise.all([start('original', 'work'), start('clone', 'copy')]);
  const [original, clone] = vms;
  await Promise.all(
    vms.map(async (vm) => {
      expect(await isValid(vm, built)).toBe(true);
      expect((await vm.exec('cat', [built])).stdout).toBe('built-before\n');
      // Nix says what is wrong on standard error, and takes invalid rows away.
      const verified = await vm.exec('nix-store', ['--verify', '--check-contents'], { user: 'root', reject: false });
      expect({
        code: verified.exitCode,
        damage: verified.stderr.match(/.*(?:modified|missing|disappeared).*/g),
      }).toEqual({
        code: 0,
        damage: null,
      });
    }),
  );
  const [one, two] = await Promise.all([
    build(original, derivation('by-the-original')),
    build(clone, derivation('by-the-clone')),
  ]);
  expect(await isValid(clone, one)).toBe(false);
  expect(await isValid(original, two)).toBe(false);
  await Promise.all(vms.map((vm) => vm.stop()));
  expect(await vzshell('volume', 'delete', 'copy')).toEqual({ code: 0, said: '' });
  expect(await vzshell('volume', 'delete', 'copy')).toMatchObject({
    code: 125,
    said: expect.stringContaining('there is no volume'),
  });
});
