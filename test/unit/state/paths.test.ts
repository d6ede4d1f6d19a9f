import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MAX_VSOCK_PATH, prepareState, runId, runPaths, statePaths } from '../../../src/state/paths.ts';
import { scratch } from './scratch.ts';

const isRoot = process.getuid?.() === 0;

test('state is below VZSHELL_HOME, or in ~/.vzshell', () => {
  expect(statePaths({ VZSHELL_HOME: '/some/where/' }).volumes).toBe('/some/where/volumes');
  expect(statePaths({}).home).toBe(join(homedir(), '.vzshell'));
});

test('a relative VZSHELL_HOME is refused, in the words that were written', () => {
  expect(() => statePaths({ VZSHELL_HOME: 'state' })).toThrow("VZSHELL_HOME must be an absolute path, got 'state'");
});

test('a socket path fits into sun_path, however long the home is', () => {
  for (const length of [10, 70, 74, 75, 200]) {
    const paths = statePaths({ VZSHELL_HOME: `/${'h'.repeat(length - 1)}` });
    expect(Buffer.byteLength(runPaths(paths, runId('x')).vsock)).toBeLessThanOrEqual(MAX_VSOCK_PATH);
  }
});

test('two long homes of one user have different run directories', () => {
  const of = (letter: string): string => statePaths({ VZSHELL_HOME: `/${letter.repeat(120)}` }).runs;
  expect(of('a')).not.toBe(of('b'));
});

test('the directories are made for this user alone', () => {
  const paths = statePaths({ VZSHELL_HOME: join(scratch(), 'deep', 'home') });
  prepareState(paths);
  for (const directory of [paths.home, paths.runs, paths.volumes]) expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test('a home that others may write to is refused with the command that mends it', () => {
  const home = scratch();
  chmodSync(home, 0o777);
  expect(() => prepareState(statePaths({ VZSHELL_HOME: home }))).toThrow(/others may write to it \(mode 777\)/);
});

test('a home where nothing can be made is refused at once', () => {
  expect(() => prepareState(statePaths({ VZSHELL_HOME: '/proc/vzshell/home' }))).toThrow(
    'cannot write /proc/vzshell/home',
  );
});

test.runIf(isRoot)('a home of somebody else is refused', () => {
  const home = scratch();
  chownSync(home, 12345, 12345);
  expect(() => prepareState(statePaths({ VZSHELL_HOME: home }))).toThrow('it belongs to uid 12345');
});

test('a home that is a file is refused', () => {
  const home = join(scratch(), 'file');
  writeFileSync(home, '');
  expect(() => prepareState(statePaths({ VZSHELL_HOME: home }))).toThrow(/cannot write .*file/);
});

test.runIf(isRoot)('a read-only home is refused and VZSHELL_HOME is named', () => {
  const mountPoint = join(scratch(), 'ro');
  mkdirSync(mountPoint);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=64k', 'none', mountPoint]);
  onTestFinished(() => void execFileSync('umount', [mountPoint]));
  const home = join(mountPoint, '.vzshell');
  expect(() => prepareState(statePaths({ VZSHELL_HOME: home }))).toThrow(
    expect.objectContaining({
      message: `cannot write ${home}: the file system is read-only`,
      hint: expect.stringContaining('VZSHELL_HOME'),
    }),
  );
});
