// A network whose names cannot be resolved, as in a train: what is there already is used without asking anybody (T14).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';
import { root } from './guest.ts';

useHome();

/** Datagrams that the guest has sent: with a resolver that does not answer, nothing else comes before a connection. */
async function datagrams(vm: Vm): Promise<number> {
  const { stdout } = await vm.exec('awk', ['/^Udp: [0-9]/ { print $5 }', '/proc/net/snmp']);
  return Number(stdout);
}

test('a dev shell that was built once is entered without asking for a name (T14)', async () => {
  const project = mkdtempSync('/tmp/vzp-');
  onTestFinished(() => rmSync(project, { recursive: true }));
  // Without an input called nixpkgs, Nix would look for its bash in the global registry.
  writeFileSync(
    join(project, 'flake.nix'),
    `{
  inputs.packages.url = "path:/etc/vzshell/pkgs";
  outputs = { packages, ... }: { devShells.aarch64-linux.default = packages.legacyPackages.aarch64-linux.mkShell { }; };
}
`,
  );
  await using vm = await Vm.create({
    ...{ arch: ARCH, network: 'nat', memory: '1GiB', disk: '4GiB', store: 'image' },
    mounts: [{ source: project }],
    workdir: project,
  });
  await root(vm, 'echo nameserver 192.0.2.1 >/run/resolv.conf');
  await vm.exec('nix', ['develop', '--offline', '--command', 'true']);
  const before = await datagrams(vm);
  await vm.exec('nix', ['develop', '--command', 'true']);
  expect(await datagrams(vm)).toBe(before);
  const shell = await vm.develop({ cache: false });
  expect(shell.from).toBe('evaluation');
  await shell.exec('true');
  expect(await datagrams(vm)).toBe(before);
  // The measure works: somebody who does ask is seen.
  await vm.exec('timeout', ['3', 'getent', 'hosts', 'example.org'], { reject: false });
  expect(await datagrams(vm)).toBeGreaterThan(before);
});
