// The host's store as a binary cache, for what is in no layer, where there is no network but loopback.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';
import { fixedOutput, isValid } from './guest.ts';
import { HostNix } from './host-nix.ts';

useHome();

test('a dev shell gets what the host has, and so does a build of root in an empty environment (T15)', async () => {
  await using host = await HostNix.start();
  const project = mkdtempSync('/tmp/vzp-');
  onTestFinished(() => rmSync(project, { recursive: true }));
  const tools = ['first', 'second'].map((name) => {
    const path = host.add(name, { [`bin/${name}`]: `#!/bin/sh\necho ${name}\n` });
    return { path, expression: fixedOutput(name, host.run('nix-store', '-q', '--hash', path)) };
  });
  const [first, second] = tools as [(typeof tools)[0], (typeof tools)[0]];
  writeFileSync(
    join(project, 'flake.nix'),
    `{
  inputs.nixpkgs.url = "path:/etc/vzshell/pkgs";
  outputs = { nixpkgs, ... }: let pkgs = nixpkgs.legacyPackages.aarch64-linux; in {
    devShells.aarch64-linux.default = pkgs.mkShell {
      packages = [ (${first.expression.replace('builtins.currentSystem', '"aarch64-linux"')}) ];
    };
  };
}
`,
  );
  const schema = join(host.root, 'nix/var/nix/db/schema');
  writeFileSync(schema, '11');
  await using vm = await Vm.create({
    ...{ arch: ARCH, network: 'none', memory: '1GiB', disk: '4GiB' },
    mounts: [{ source: project }],
    workdir: project,
  });
  expect(vm.info.store?.layers).toEqual(['image', 'volume']);
  const fetched: string[] = [];
  const shell = await vm.develop({ onProgress: (line) => void fetched.push(line) });
  expect(fetched.join('\n')).toContain(`copying path '${first.path}' from 'http://127.0.0.1:1026'`);
  expect((await shell.exec('first')).stdout).toBe('first\n');
  // Nothing of the environment says where Nix may look.
  const build = [
    '-i',
    '/usr/bin/nix',
    'build',
    '--impure',
    '--no-link',
    '--print-out-paths',
    '--expr',
    second.expression,
  ];
  const built = await vm.exec('env', build, { user: 'root' });
  expect(built.stdout.trim()).toBe(second.path);
});

test('a path with renamed files that the host gets while the VM runs is served too', async () => {
  await using host = await HostNix.start('use-case-hack = true\n');
  host.add('first', { file: 'first\n' });
  await using vm = await Vm.create({ arch: ARCH, network: 'none', memory: '1GiB', disk: '4GiB', store: 'host' });
  expect(vm.info.store?.host).toMatchObject({ paths: 1, leftOut: 0 });
  const hacked = host.add('later', { 'README.md': 'upper\n', 'Readme.md~nix~case~hack~1': 'lower\n' });
  await vm.refreshStore();
  expect(await isValid(vm, hacked)).toBe(false);
  await vm.exec('nix-store', ['--realise', hacked]);
  expect((await vm.exec('ls', [hacked])).stdout).toBe('README.md\nReadme.md\n');
});
