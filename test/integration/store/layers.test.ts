// The host's Nix store below a guest's: a real Nix with a daemon on the host, a real guest, real VirtioFS. There is no network, so
// whatever is there has not been fetched. The names in brackets are those of the research notes on Nix.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { withLock } from '../../../src/state/lock.ts';
import { statePaths } from '../../../src/state/paths.ts';
import { ARCH, useHome } from '../vm/fixture.ts';
import { build, exists, fixedOutput, isValid, root, UPPER, whiteouts, writeFlake } from './guest.ts';
import { HostNix } from './host-nix.ts';

useHome();

const TOOL = { 'bin/host-tool': '#!/bin/sh\necho from the host\n' };
let host: HostNix;
let project: string;
let tool: string;
let toolHash: string;
let unused: string;
/** A lock that lies in the host's store before the guest starts. */
let old: string;
let vm: Vm;

beforeAll(async () => {
  host = await HostNix.start();
  tool = host.add('host-tool', TOOL);
  toolHash = host.run('nix-store', '-q', '--hash', tool);
  unused = host.add('unused', { file: 'nobody wants this\n' });
  old = `${host.add('old', { file: 'x' }).slice('/nix/store/'.length)}.lock`;
  writeFileSync(join(host.store, old), '', { mode: 0o600 });
  project = mkdtempSync('/tmp/vzp-');
  writeFlake(project, fixedOutput('host-tool', toolHash));
  vm = await Vm.create({
    ...{ arch: ARCH, network: 'none', memory: '1GiB', volume: 'work', disk: '4GiB', store: 'host' },
    mounts: [{ source: project }],
    workdir: project,
  });
});

afterAll(async () => {
  await vm?.stop({ force: true }).catch(() => undefined);
  await host?.[Symbol.asyncDispose]();
  rmSync(project, { recursive: true, force: true });
});

test('the layers are told', () => {
  expect(vm.info.store).toEqual({
    layers: ['host', 'image', 'volume'],
    host: { directory: host.store, paths: 3, leftOut: 0 },
    reason: null,
  });
});

test("a lock that a build of the host's has left is not seen, and can be taken (T8)", async () => {
  expect((await root(vm, `ls /nix/store/${old}`)).exitCode).not.toBe(0);
  expect((await root(vm, `: >/nix/store/${old} && rm /nix/store/${old}`)).exitCode).toBe(0);
  expect(existsSync(join(host.store, old))).toBe(true);
});

test('a dev shell uses what only the host has, and nothing is copied (T1)', async () => {
  const shell = await vm.develop();
  expect(shell.from).toBe('evaluation');
  expect((await shell.exec('host-tool')).stdout).toBe('from the host\n');
  expect(await exists(vm, join(UPPER, tool.slice('/nix/store/'.length)))).toBe(false);
});

test('the host keeps what the dev shell uses, and deletes the rest (T4)', async () => {
  await vm.develop({ cache: false });
  host.collect();
  expect(host.has(tool)).toBe(true);
  expect(host.has(unused)).toBe(false);
});

test('the host keeps what any command uses, a moment after it has ended (T4)', async () => {
  const wanted = host.add('wanted', { file: 'by a build\n' });
  const root = join(vm.info.directory, 'host-root.nix');
  const kept = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not kept: ${readFileSync(root, 'utf8')}`)), 60_000);
    const watcher = watch(vm.info.directory, () => {
      if (!existsSync(root) || !readFileSync(root, 'utf8').includes(wanted)) return;
      clearTimeout(late);
      watcher.close();
      resolve();
    });
  });
  await vm.refreshStore();
  await vm.exec('nix-store', ['--realise', wanted]);
  await kept;
  // The expression is written before the root is made of it, under a lock.
  await withLock(join(statePaths().locks, `${vm.id}.root`), {}, async () => host.collect());
  expect(host.has(wanted)).toBe(true);
});

test("the image's own paths are valid, with no database to load first (T20)", async () => {
  const paths = (await root(vm, 'ls -d /nix/.l/image/*-hello-*[0-9]')).stdout.trim().replace('/.l/image', '/store');
  expect(await isValid(vm, paths)).toBe(true);
});

test("root's shell, sudo and an empty environment have the same store (T13)", async () => {
  const query = 'nix-store --query --hash';
  // Each asks for another: what was asked for once is in the volume's own database, which root can read without the daemon.
  const untouched = ['sh', 'sudo', 'empty', 'sudo-empty', 'root'].map((name) => {
    const path = host.add(name, { file: `asked for by ${name}\n` });
    return { path, hash: host.run('nix-store', '--query', '--hash', path) };
  });
  await vm.refreshStore();
  const commands = [query, `sudo ${query}`, `env -i /usr/bin/${query}`, `sudo env -i /usr/bin/${query}`];
  for (const [index, command] of commands.entries()) {
    const { path = '', hash } = untouched[index] ?? {};
    expect((await vm.sh(`${command} ${path}`, { reject: false })).stdout.trim(), command).toBe(hash);
  }
  const { path = '', hash } = untouched.at(-1) ?? {};
  expect((await root(vm, `${query} ${path}`)).stdout.trim()).toBe(hash);
});

test("the guest's root cannot write to the host's store (T9)", async () => {
  const write = await root(vm, 'mount -o remount,rw /nix/.l/host; echo >/nix/.l/host/written');
  expect(write.exitCode).not.toBe(0);
  expect(readdirSync(host.store)).not.toContain('written');
});

test('a path that the host gets later, and that was looked for in vain, is there after a refresh (T6)', async () => {
  const files = { file: 'late\n' };
  const late = host.add('late', files);
  host.run('nix-store', '--delete', late);
  expect((await vm.exec('cat', [`${late}/file`], { reject: false })).exitCode).toBe(1);
  expect(await isValid(vm, late)).toBe(false);
  expect(host.add('late', files)).toBe(late);
  expect(await vm.refreshStore()).toBe(true);
  expect((await vm.exec('cat', [`${late}/file`])).stdout).toBe('late\n');
  // The host's own count: the late one has come, the one that nobody wanted has gone, the root is a derivation.
  expect(vm.info.store?.host?.paths).toBe(
    Number(host.run('sqlite3', host.database, 'select count(*) from ValidPaths')),
  );
  expect(await isValid(vm, late)).toBe(true);
});

test("what is still in the log of the host's database counts (T19)", async () => {
  const reader = spawn('sqlite3', [host.database], { stdio: ['pipe', 'pipe', 'inherit'] });
  reader.stdin.write('begin; select count(*) from ValidPaths;\n');
  await once(createInterface(reader.stdout), 'line');
  const newest = host.add('newest', { file: 'in the log\n' });
  expect(lstatSync(`${host.database}-wal`).size).toBeGreaterThan(0);
  expect(await vm.refreshStore()).toBe(true);
  expect(await isValid(vm, newest)).toBe(true);
  reader.stdin.end();
  await once(reader, 'exit');
});

test('a directory of the host that its Nix does not know is not believed, and what takes its place hides it (T2)', async () => {
  const files = { file: 'complete\n' };
  const path = host.add('half', files);
  const kept = join(host.root, 'half');
  cpSync(host.real(path), kept, { recursive: true });
  host.run('nix-store', '--delete', path);
  cpSync(kept, host.real(path), { recursive: true });
  chmodSync(host.real(path), 0o755);
  writeFileSync(join(host.real(path), 'rubbish'), '');
  await vm.refreshStore();
  expect(await isValid(vm, path)).toBe(false);
  const added = await vm.sh(
    'mkdir -p /tmp/a/half && cd /tmp/a && echo complete >half/file && nix-store --add-fixed --recursive sha256 half',
  );
  expect(added.stdout.trim()).toBe(path);
  expect((await vm.exec('ls', [path])).stdout).toBe('file\n');
  expect((await root(vm, `nix-store --verify-path ${path}`)).exitCode).toBe(0);
  rmSync(host.real(path), { recursive: true });
  await root(vm, 'echo 2 >/proc/sys/vm/drop_caches');
});

test('locks that come later are not seen either, store paths that only are called so are (T8)', async () => {
  const cargo = host.addReferrer('Cargo.lock', tool);
  const stale = `${host.add('stale', { file: 'x' }).slice('/nix/store/'.length)}.lock`;
  writeFileSync(join(host.store, stale), '', { mode: 0o600 });
  expect(await vm.refreshStore()).toBe(true);
  expect(await isValid(vm, cargo)).toBe(true);
  expect((await vm.exec('cat', [cargo], { reject: false })).stdout).toBe(`refers to ${tool}`);
  expect((await root(vm, `ls /nix/store/${stale}`)).exitCode).not.toBe(0);
  expect((await root(vm, `: >/nix/store/${stale} && rm /nix/store/${stale}`)).exitCode).toBe(0);
  expect(existsSync(join(host.store, stale))).toBe(true);
});

test("a file of the image wins over the host's at the same place (T17)", async () => {
  const image = (await root(vm, 'basename /nix/.l/image/*-hello-*[0-9]')).stdout.trim();
  mkdirSync(join(host.store, image, 'bin'), { recursive: true });
  writeFileSync(join(host.store, image, 'bin/hello'), '#!/bin/sh\necho wrong\n', { mode: 0o755 });
  await root(vm, 'echo 2 >/proc/sys/vm/drop_caches');
  expect((await vm.exec(`/nix/store/${image}/bin/hello`)).stdout).toMatch(/^Hello, world!/);
  rmSync(join(host.store, image), { recursive: true });
});

test('a collection in the guest takes nothing of the layers below (T3)', async () => {
  await root(vm, `find ${UPPER} -xdev -type c -delete`);
  const temporary = await build(vm, 'pkgs.runCommand "temporary" { } "echo >$out"');
  expect((await root(vm, 'nix-collect-garbage')).exitCode).toBe(0);
  expect(await exists(vm, temporary)).toBe(false);
  expect(await whiteouts(vm)).toEqual([]);
  expect(await isValid(vm, tool)).toBe(true);
  const second = await build(vm, 'pkgs.runCommand "second" { } "echo >$out"');
  expect((await vm.collectGarbage()).paths).toBeGreaterThan(0);
  expect(await exists(vm, second)).toBe(false);
  expect(await whiteouts(vm)).toEqual([]);
  const shell = await vm.develop();
  expect(shell.from).toBe('cache');
  expect((await shell.exec('host-tool')).stdout).toBe('from the host\n');
});

test('when the machine is gone, so is what the host kept for it (T4)', async () => {
  expect(host.has(tool)).toBe(true);
  await vm.stop();
  host.collect();
  expect(host.has(tool)).toBe(false);
});
