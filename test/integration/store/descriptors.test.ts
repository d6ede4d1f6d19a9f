// The host holds a descriptor open for each inode of a share that the guest's kernel remembers, where virtiofsd has no right to use
// file handles, and always on a Mac. Real guest, real virtiofsd, a limit of our own that a walk through a tree exceeds several times over.

import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { openFiles } from '../../../src/driver/open-files.ts';
import { findPrograms } from '../../../src/driver/qemu/programs.ts';
import { Memory } from '../../../src/driver/qemu/remember.ts';
import { ControlClient } from '../../../src/supervisor/control-client.ts';
import { within } from '../../within.ts';
import { CLI } from '../cli/project.ts';
import { ARCH, useHome } from '../vm/fixture.ts';
import { HostNix } from './host-nix.ts';

useHome();

const vzshell = (...args: string[]): Promise<{ stdout: string }> => promisify(execFile)(CLI, args);

/** The guest trims at half of it, and looks every 100 ms. */
const LIMIT = 2000;
const DIRECTORIES = 100;
const FILES = 60;
const STORED = 5500;
/** Of more than 5,600 inodes in each tree; a guest that finds no time to look has more than half of the limit for a moment. */
const BOUND = 4500;

let top: string;
let tree: string;
let host: HostNix;
let stored: string;
let vm: Vm;
let watch: Descriptors;
const before = { tools: process.env.VZSHELL_TOOLS, limit: process.env.VZSHELL_SHARE_LIMIT };

beforeAll(async () => {
  top = mkdtempSync('/tmp/vzd-');
  tree = join(top, 'tree');
  for (let directory = 0; directory < DIRECTORIES; directory += 1) {
    mkdirSync(join(tree, `d${directory}`), { recursive: true });
    for (let file = 0; file < FILES; file += 1) {
      writeFileSync(join(tree, `d${directory}`, `f${file}`), `${directory} ${file}\n`);
    }
  }
  writeFileSync(join(tree, 'held'), 'still here\n');
  process.env.VZSHELL_TOOLS = await toolsWithoutFileHandles(join(top, 'tools'));
  process.env.VZSHELL_SHARE_LIMIT = String(LIMIT);
  host = await HostNix.start();
  stored = host.add(
    'big',
    Object.fromEntries(Array.from({ length: STORED }, (_, i) => [`d${i % 100}/f${i}`, `${i}\n`])),
  );
  vm = await Vm.create({
    ...{ arch: ARCH, network: 'none', memory: '1GiB', store: 'host', name: 'descriptors' },
    // On hardware a walk of 5,000 files is over between two looks.
    accelerator: 'emulation',
    mounts: [{ source: tree }],
    workdir: tree,
  });
  watch = await Descriptors.of(vm);
});

afterAll(async () => {
  watch?.close();
  await vm?.stop({ force: true }).catch(() => undefined);
  await host?.[Symbol.asyncDispose]();
  restore('VZSHELL_TOOLS', before.tools);
  restore('VZSHELL_SHARE_LIMIT', before.limit);
  rmSync(top, { recursive: true, force: true });
});

test('walks through a big tree stay within bounds, round after round; what is open stays, what is written is whole', async () => {
  const holder = await vm.spawn('sh', ['-c', 'exec 3<held; echo open; read -r go; cat <&3']);
  const held = holder.lines()[Symbol.asyncIterator]();
  expect((await held.next()).value).toBe('open');
  // Writes until it is told to stop, and then says how much.
  const writing = 'n=0; while ! read -r -t 0.01 stop; do n=$((n + 1)); echo "$n" >>log; done; echo "$n"';
  const writer = await vm.spawn('bash', ['-c', writing]);
  for (let round = 1; round <= 2; round += 1) {
    const trims = watch.trims;
    const { stdout } = await vm.sh('find . -name "f*" -size +0 | wc -l');
    expect(Number(stdout), `round ${round}`).toBe(DIRECTORIES * FILES);
    // More than what the guest may remember, several times: it had to be trimmed on the way.
    expect(watch.trims - trims, `trims of round ${round}`).toBeGreaterThanOrEqual(2);
  }
  expect(watch.most.share, 'descriptors').toBeGreaterThan(LIMIT / 4);
  expect(watch.most.share, 'descriptors').toBeLessThan(BOUND);

  expect((await vm.sh('cat d*/f0 | wc -l')).stdout.trim()).toBe(String(DIRECTORIES));
  holder.stdin.end('go\n');
  expect((await held.next()).value).toBe('still here');
  expect((await holder.exited).exitCode).toBe(0);
  writer.stdin.end('stop\n');
  const written = Number((await writer.lines()[Symbol.asyncIterator]().next()).value);
  expect(written).toBeGreaterThan(10);
  const log = readFileSync(join(tree, 'log'), 'utf8').trimEnd().split('\n').map(Number);
  expect(log).toEqual(Array.from({ length: written }, (_, i) => i + 1));
});

test("inodes of the host's Nix store below the guest's layers count and are trimmed too", async () => {
  const trims = watch.trims;
  const { stdout } = await vm.sh(`find ${stored} -type f -size +0 | wc -l`);
  expect(Number(stdout)).toBe(STORED);
  expect(watch.trims - trims).toBeGreaterThanOrEqual(2);
  expect(watch.most.store, 'descriptors').toBeGreaterThan(LIMIT / 4);
  expect(watch.most.store, 'descriptors').toBeLessThan(BOUND);
  expect((await vm.exec('cat', [join(stored, 'd7/f7')])).stdout).toBe('7\n');
  expect((await vm.exec('nix-store', ['--check-validity', stored])).exitCode).toBe(0);
});

test('what goes on in the background, without a stream, is trimmed too; inspect tells', async () => {
  await vm.sh('setsid find . -size +0 >/dev/null 2>&1 </dev/null &');
  await within(60_000, 'a trim without a stream', watch.nextTrim());
  const seen = watch.trims;
  const told = JSON.parse((await vzshell('inspect', 'descriptors')).stdout) as { shares: Record<string, number> };
  expect(told.shares).toEqual({
    limit: LIMIT,
    open: expect.any(Number),
    trims: expect.any(Number),
    inodes: expect.any(Number),
  });
  expect(told.shares.trims).toBeGreaterThanOrEqual(seen);
  expect(watch.most.share).toBeLessThan(BOUND);
});

/** What the two virtiofsd of interest have open, sampled while the tests run, and the trims that the supervisor tells of. */
class Descriptors {
  readonly most = { share: 0, store: 0 };
  trims = 0;
  #onTrim: () => void = () => undefined;
  #close: () => void = () => undefined;

  static async of(vm: Vm): Promise<Descriptors> {
    const watch = new Descriptors();
    const control = new ControlClient(join(vm.info.directory, 'control.sock'));
    const { processes } = await control.status();
    const timer = setInterval(() => {
      for (const { name, pid } of processes) {
        const which = name.includes(tree) ? 'share' : name.includes('nix-store') ? 'store' : null;
        if (which !== null) watch.most[which] = Math.max(watch.most[which], openFiles(pid) ?? 0);
      }
    }, 20);
    const events = await control.events((event) => {
      if (event.type !== 'trimmed') return;
      watch.trims += 1;
      watch.#onTrim();
    });
    watch.#close = () => {
      clearInterval(timer);
      events.close();
    };
    return watch;
  }

  nextTrim(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTrim = resolve;
    });
  }

  close(): void {
    this.#close();
  }
}

/** virtiofsd as it is for somebody who is not root. */
async function toolsWithoutFileHandles(directory: string): Promise<string> {
  const { found } = await findPrograms(ARCH, new Memory(join(top, 'probes.json')));
  const real = found.virtiofsd?.path;
  if (real === undefined) throw new Error('virtiofsd is not on this machine: scripts/setup');
  mkdirSync(directory);
  const script = `#!/bin/sh
for arg; do shift; [ "$arg" = --inode-file-handles=prefer ] && arg=--inode-file-handles=never; set -- "$@" "$arg"; done
exec '${real}' "$@"
`;
  writeFileSync(join(directory, 'virtiofsd'), script);
  chmodSync(join(directory, 'virtiofsd'), 0o755);
  return directory;
}

function restore(name: 'VZSHELL_TOOLS' | 'VZSHELL_SHARE_LIMIT', value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
