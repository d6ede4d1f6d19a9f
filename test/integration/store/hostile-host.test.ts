// Host stores that are not as one would like them: a real Nix on the host, a real guest.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';
import { fixedOutput, isValid, root, writeFlake } from './guest.ts';
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

test("a path with renamed files is not the guest's, nor is what refers to it; the host serves both as archives, and they verify (T7)", async () => {
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
  // The host hands it over as an archive, with the names that the files really have. There is no network but loopback.
  const copied = await vm.exec('nix-store', ['--realise', user]);
  expect(copied.stdout.trim()).toBe(user);
  expect(copied.stderr).toContain(`copying path '${hacked}' from 'http://127.0.0.1:1026'`);
  expect((await vm.exec('ls', [hacked])).stdout).toBe('xt_MARK.h\nxt_mark.h\n');
  expect((await root(vm, `nix-store --verify-path ${hacked} ${user}`)).exitCode).toBe(0);
});

test('a host whose Nix is too old or too new to be a layer serves its paths as archives; wrong bytes are refused', async () => {
  const schema = join(host.root, 'nix/var/nix/db/schema');
  const good = host.add('served', { file: 'from the host\n' });
  const bad = host.add('changed', { file: 'as it was\n' });
  chmodSync(host.real(bad), 0o755);
  writeFileSync(join(host.real(bad), 'file'), 'otherwise\n');
  writeFileSync(schema, '11');
  await using vm = await Vm.create({ arch: ARCH, network: 'none', memory: '1GiB', volume: 'served', disk: '4GiB' });
  writeFileSync(schema, '10');
  expect(vm.info.store).toMatchObject({
    layers: ['image', 'volume'],
    reason: expect.stringContaining('has schema "11"'),
  });
  await vm.exec('nix-store', ['--realise', good]);
  expect((await vm.exec('cat', [`${good}/file`])).stdout).toBe('from the host\n');
  const refused = await vm.exec('nix-store', ['--realise', bad], { reject: false });
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('hash mismatch') });
  expect(await isValid(vm, bad)).toBe(false);
});

test('a checkout that belongs to somebody else is a flake all the same (T16)', async () => {
  const checkout = mkdtempSync('/tmp/vzp-');
  onTestFinished(() => rmSync(checkout, { recursive: true }));
  const tool = host.add('foreign-tool', { 'bin/foreign-tool': '#!/bin/sh\necho foreign\n' });
  const output = fixedOutput('foreign-tool', host.run('nix-store', '--query', '--hash', tool));
  writeFlake(checkout, output);
  for (const args of [
    ['init', '-q'],
    ['add', '.'],
  ])
    execFileSync('git', args, { cwd: checkout });
  execFileSync('chown', ['-R', '4242:4242', checkout]);
  await using vm = await Vm.create({
    ...{ arch: ARCH, network: 'none', memory: '1GiB', volume: 'foreign', disk: '4GiB', store: 'host' },
    mounts: [{ source: checkout }],
    workdir: checkout,
  });
  expect((await vm.exec('stat', ['-c', '%u', checkout])).stdout).toBe('4242\n');
  expect((await (await vm.develop()).exec('foreign-tool')).stdout).toBe('foreign\n');
  expect((await vm.exec('git', ['-C', checkout, 'status', '--short'])).stdout).toContain('flake.nix');
});

test("when the host's database vanishes, the VM goes on with what it knows", async () => {
  const path = host.add('known', { file: 'known\n' });
  await using vm = await start('vanish');
  renameSync(host.database, `${host.database}.away`);
  await expect(vm.refreshStore()).rejects.toMatchObject({
    code: 'ERR_NIX',
    message: expect.stringContaining("the host's Nix store can no longer be used: "),
  });
  expect((await vm.exec('cat', [`${path}/file`])).stdout).toBe('known\n');
  expect(await isValid(vm, path)).toBe(true);
  renameSync(`${host.database}.away`, host.database);
  // A newer agent may know of more on a volume than this one would keep true.
  await root(vm, `echo '{"layout":2}' >/nix/.l/vol/meta.json`);
  await vm.stop();
  await expect(start('vanish')).rejects.toMatchObject({
    message: expect.stringContaining('it has layout 2, this guest image knows 1'),
  });
});
