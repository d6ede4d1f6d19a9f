import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeJson } from '../../../src/state/json-file.ts';
import { prepareState, type StatePaths, statePaths } from '../../../src/state/paths.ts';
import { ensureVolume } from '../../../src/volume/ensure.ts';
import { throwawayName, volumeFiles } from '../../../src/volume/files.ts';
import { volumeInUse } from '../../../src/volume/holder.ts';
import { listVolumes } from '../../../src/volume/list.ts';
import { removeVolume } from '../../../src/volume/remove.ts';
import { scratch } from '../state/scratch.ts';
import { hold } from './hold.ts';

const GIB = 1024 ** 3;

function state(): StatePaths {
  const paths = statePaths({ VZSHELL_HOME: join(scratch(), 'home') });
  prepareState(paths);
  return paths;
}

test('a new volume is sparse and has the size asked for', () => {
  const volume = ensureVolume(state(), 'work', 64 * GIB);
  const stat = statSync(volume.path);
  expect([stat.size, stat.blocks, stat.mode & 0o777]).toEqual([64 * GIB, 0, 0o600]);
});

test('the next use finds the same volume, whatever size it asks for', () => {
  const paths = state();
  const first = ensureVolume(paths, 'work', 2 * GIB);
  expect(ensureVolume(paths, 'work', GIB)).toEqual(first);
  expect(ensureVolume(paths, 'work', 9 * GIB)).toEqual(first);
  expect(statSync(first.path).size).toBe(2 * GIB);
});

test.each(['', '-x', 'a/b', '..', 'x'.repeat(65), 'ü', 'throwaway-1'])('the name %j is refused', (name) => {
  expect(() => ensureVolume(state(), name, GIB)).toThrow(`a volume cannot be called '${name}'`);
});

test('a volume whose notes are lost keeps its content: the uuid is read from its file system', () => {
  const paths = state();
  const files = volumeFiles(paths, 'work');
  const { uuid } = ensureVolume(paths, 'work', 64 * 1024 ** 2);
  execFileSync('mkfs.ext4', ['-q', '-U', uuid, files.image], { env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } });
  rmSync(files.meta);
  expect(ensureVolume(paths, 'work', 64 * 1024 ** 2).uuid).toBe(uuid);
});

test('damaged notes are an error that says what to remove', () => {
  const paths = state();
  const { meta } = volumeFiles(paths, 'work');
  ensureVolume(paths, 'work', GIB);
  writeFileSync(meta, '{"schema": 1}');
  expect(() => ensureVolume(paths, 'work', GIB)).toThrow(`${meta} is damaged`);
});

test('a volume in use is refused with the name of its holder', () => {
  const files = volumeFiles(state(), 'work');
  const since = new Date();
  writeJson(files.holder, { schema: 1, vm: 'api', pid: 4711, since: since.toISOString() });
  const clock = `${String(since.getHours()).padStart(2, '0')}:${String(since.getMinutes()).padStart(2, '0')}`;
  expect(volumeInUse(files, 'work')).toMatchObject({
    code: 'ERR_VOLUME',
    message: `cannot use volume 'work': it is in use by vm 'api' (pid 4711, since ${clock})`,
    hint: 'stop it with `vzshell stop api`, or give this one a volume of its own: --volume work-2',
  });
});

test('a damaged note of the holder does not hide that there is one', () => {
  const files = volumeFiles(state(), 'work');
  writeFileSync(files.holder, '{');
  expect(volumeInUse(files, 'work').message).toBe("cannot use volume 'work': another process holds it");
});

test('a volume that is held cannot be removed, a free one is gone', async () => {
  const paths = state();
  const files = volumeFiles(paths, 'work');
  ensureVolume(paths, 'work', GIB);
  const holder = await hold(paths, 'work');
  writeJson(files.holder, { schema: 1, vm: 'api', pid: holder.pid, since: new Date().toISOString() });
  await expect(removeVolume(paths, 'work')).rejects.toThrow("it is in use by vm 'api'");
  expect(existsSync(files.image)).toBe(true);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await removeVolume(paths, 'work');
  expect([existsSync(files.image), existsSync(files.meta)]).toEqual([false, false]);
  await expect(removeVolume(paths, 'work')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
});

test('the list names holders that live, problems, and no throwaway volume', async () => {
  const paths = state();
  for (const name of ['free', 'held', 'stale', 'broken']) ensureVolume(paths, name, GIB);
  for (const name of ['held', 'stale']) {
    writeJson(volumeFiles(paths, name).holder, { schema: 1, vm: name, pid: 1, since: 'now' });
  }
  await hold(paths, 'held');
  writeFileSync(volumeFiles(paths, 'broken').meta, 'x');
  writeFileSync(volumeFiles(paths, throwawayName()).image, '');
  const listed = await listVolumes(paths);
  expect(listed.map(({ name, holder, problem }) => [name, holder?.vm ?? null, problem === null])).toEqual([
    ['broken', null, false],
    ['free', null, true],
    ['held', 'held', true],
    ['stale', null, true],
  ]);
});
