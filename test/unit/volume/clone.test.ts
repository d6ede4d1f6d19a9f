import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeJson } from '../../../src/state/json-file.ts';
import { prepareState, type StatePaths, statePaths } from '../../../src/state/paths.ts';
import { cloneVolume } from '../../../src/volume/clone.ts';
import { copyDisk } from '../../../src/volume/copy-disk.ts';
import { ensureVolume, readMeta } from '../../../src/volume/ensure.ts';
import { readExt4 } from '../../../src/volume/ext4.ts';
import { volumeFiles } from '../../../src/volume/files.ts';
import { listVolumes } from '../../../src/volume/list.ts';
import { scratch } from '../state/scratch.ts';
import { hold } from './hold.ts';

const MIB = 1024 ** 2;
const TOOLS = { env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } };

/** A state directory with the volume `work`, as a guest leaves it. */
function state(): StatePaths {
  const paths = statePaths({ VZSHELL_HOME: join(scratch(), 'home') });
  prepareState(paths);
  const { path, uuid } = ensureVolume(paths, 'work', 256 * MIB);
  execFileSync('mkfs.ext4', ['-q', '-U', uuid, path], TOOLS);
  return paths;
}

const disk = (paths: StatePaths, name: string): string => volumeFiles(paths, name).image;

/** Changes two bytes of a superblock. */
function patch(path: string, at: number, change: (value: number) => number): void {
  const file = openSync(path, 'r+');
  const bytes = Buffer.alloc(2);
  readSync(file, bytes, 0, 2, 1024 + at);
  bytes.writeUInt16LE(change(bytes.readUInt16LE()));
  writeSync(file, bytes, 0, 2, 1024 + at);
  closeSync(file);
}

const names = (paths: StatePaths): string[] => readdirSync(paths.volumes).filter((name) => !name.endsWith('.lock'));

test('a clone has the same bytes in a file that takes no more of the disk, a name of its own, and is told', async () => {
  const paths = state();
  await cloneVolume(paths, 'work', 'copy');
  expect(readFileSync(disk(paths, 'copy')).equals(readFileSync(disk(paths, 'work')))).toBe(true);
  const [source, copy] = [statSync(disk(paths, 'work')), statSync(disk(paths, 'copy'))];
  expect(copy.size).toBe(source.size);
  expect(copy.blocks).toBeLessThanOrEqual(source.blocks);
  expect(copy.mode & 0o777).toBe(0o600);
  const meta = readMeta(volumeFiles(paths, 'copy'), 'copy');
  expect(meta).toMatchObject({
    name: 'copy',
    size: 256 * MIB,
    uuid: readMeta(volumeFiles(paths, 'work'), 'work')?.uuid,
  });
  expect((await listVolumes(paths)).map(({ name, problem }) => [name, problem])).toEqual([
    ['copy', null],
    ['work', null],
  ]);
  expect(ensureVolume(paths, 'copy', MIB)).toMatchObject({ size: 256 * MIB, uuid: meta?.uuid });
});

test('a copy of a huge and nearly empty disk is small and takes no time', async () => {
  const directory = scratch();
  const from = join(directory, 'from');
  const file = openSync(from, 'w');
  ftruncateSync(file, 64 * 1024 * MIB);
  writeSync(file, 'near the end', 63 * 1024 * MIB);
  closeSync(file);
  await copyDisk(from, join(directory, 'to'));
  const { size, blocks } = statSync(join(directory, 'to'));
  expect(size).toBe(64 * 1024 * MIB);
  expect(blocks).toBeLessThan(1000);
  const copy = openSync(join(directory, 'to'), 'r');
  const read = Buffer.alloc(12);
  readSync(copy, read, 0, 12, 63 * 1024 * MIB);
  closeSync(copy);
  expect(read.toString()).toBe('near the end');
});

test.each([
  ['was not unmounted', 0x3a, (state: number) => state & ~1],
  ['was found to be damaged', 0x3a, (state: number) => state | 2],
  ['has something in its journal', 0x60, (features: number) => features | 4],
])('a volume that %s is refused, with the cure', async (_name, at, change) => {
  const paths = state();
  expect(readExt4(disk(paths, 'work'))?.clean).toBe(true);
  patch(disk(paths, 'work'), at, change);
  expect(readExt4(disk(paths, 'work'))?.clean).toBe(false);
  await expect(cloneVolume(paths, 'work', 'copy')).rejects.toMatchObject({
    code: 'ERR_VOLUME',
    message: "volume 'work' was not unmounted in order: its last VM was killed",
    hint: expect.stringContaining('vzshell stop'),
  });
  expect(names(paths)).toEqual(['work.img', 'work.json']);
});

test('a volume that was never formatted has nothing to clone', async () => {
  const paths = state();
  ensureVolume(paths, 'blank', MIB);
  await expect(cloneVolume(paths, 'blank', 'copy')).rejects.toMatchObject({
    message: "volume 'blank' has no file system yet: no VM was ever started with it",
  });
});

test('an unknown source is told the nearest name; a target that exists, and impossible names, are refused', async () => {
  const paths = state();
  await expect(cloneVolume(paths, 'wrok', 'copy')).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
    message: "there is no volume 'wrok'",
    hint: "did you mean 'work'?",
  });
  ensureVolume(paths, 'taken', MIB);
  await expect(cloneVolume(paths, 'work', 'taken')).rejects.toMatchObject({
    message: "there is a volume 'taken' already",
    hint: expect.stringContaining('vzshell volume delete taken'),
  });
  await expect(cloneVolume(paths, 'work', 'work')).rejects.toMatchObject({
    message: "there is a volume 'work' already",
  });
  for (const name of ['', '../x', 'a b', 'throwaway-1']) {
    await expect(cloneVolume(paths, 'work', name)).rejects.toThrow(`a volume cannot be called '${name}'`);
    await expect(cloneVolume(paths, name, 'copy')).rejects.toThrow(`a volume cannot be called '${name}'`);
  }
  expect(names(paths)).toEqual(['taken.img', 'taken.json', 'work.img', 'work.json']);
});

test('a volume that a vm has is refused, and who has it is told', async () => {
  const paths = state();
  await hold(paths, 'work');
  const { holder } = volumeFiles(paths, 'work');
  writeJson(holder, { schema: 1, vm: 'api', pid: 4711, since: new Date().toISOString() });
  await expect(cloneVolume(paths, 'work', 'copy')).rejects.toMatchObject({
    code: 'ERR_VOLUME',
    message: expect.stringMatching(/^cannot use volume 'work': it is in use by vm 'api' \(pid 4711, since /),
    hint: 'stop it with `vzshell stop api`',
  });
  expect(existsSync(disk(paths, 'copy'))).toBe(false);
});

test('what a clone that was killed has left goes with the next, unless it is at work', async () => {
  const paths = state();
  for (const name of ['dead', 'copy', 'busy']) writeFileSync(`${disk(paths, name)}.new`, 'half');
  await hold(paths, 'busy');
  await cloneVolume(paths, 'work', 'copy');
  expect(names(paths)).toEqual(['busy.img.new', 'copy.img', 'copy.json', 'work.img', 'work.json']);
  expect((await listVolumes(paths)).map(({ name }) => name)).toEqual(['copy', 'work']);
});

test('a clone that is called off, and one without room, leave nothing', async () => {
  const paths = state();
  const off = AbortSignal.abort(new Error('called off'));
  await expect(cloneVolume(paths, 'work', 'copy', { signal: off })).rejects.toThrow('called off');
  expect(names(paths)).toEqual(['work.img', 'work.json']);
  await expect(copyDisk(disk(paths, 'work'), '/dev/full')).rejects.toMatchObject({ code: 'ERR_VOLUME' });
});

test('a copy that is called off ends the program that makes it', async () => {
  const directory = scratch();
  // The last argument is the copy; it says who it is there, and never ends.
  writeFileSync(join(directory, 'cp'), '#!/bin/sh\nfor to; do :; done\necho $$ >"$to"\nexec sleep 60\n', {
    mode: 0o755,
  });
  const path = process.env.PATH;
  process.env.PATH = `${directory}:${path}`;
  onTestFinished(() => {
    process.env.PATH = path;
  });
  const off = new AbortController();
  const to = join(directory, 'to');
  const begun = new Promise<number>((resolve) => {
    const watcher = watch(directory, () => {
      const pid = existsSync(to) ? Number(readFileSync(to, 'utf8')) : 0;
      if (pid === 0) return;
      watcher.close();
      resolve(pid);
    });
  });
  // No file system shares blocks with this one.
  const copied = copyDisk('/proc/version', to, { signal: off.signal });
  const pid = await Promise.race([begun, copied.then(() => Number.NaN)]);
  off.abort(new Error('called off'));
  await expect(copied).rejects.toThrow('called off');
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
