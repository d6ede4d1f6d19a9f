// How long what `vzshell` starts lives: not at all with --rm, and for a while otherwise.

import { spawn } from 'node:child_process';
import { readdirSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runId, runPaths, statePaths } from '../../../src/state/paths.ts';
import { within } from '../../within.ts';
import { CLI, ended, TestProject } from '../cli/project.ts';
import { processesOf } from '../vm/fixture.ts';

const project = new TestProject('short lives');
const paths = statePaths(project.env);
afterAll(() => project.remove());

/** All that a start of an emulated VM says. */
const STARTED = /^(vzshell: this VM is emulated in software .*\n)?$/;

it('--rm leaves no process, no run directory and no volume, and gives the exit code of the command', async () => {
  const { code, stdout, stderr } = await project.run(['--rm', '--', 'sh', '-c', 'echo x | sudo tee /nix/x; exit 9']);
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 9, stdout: 'x\n' });
  expect(stderr).toMatch(STARTED);
  expect(processesOf(project.top)).toEqual([]);
  expect([paths.runs, paths.volumes].flatMap((directory) => readdirSync(directory))).toEqual([]);
  expect(JSON.parse(await project.out(['list', '--json']))).toEqual([]);
});

it('a VM that is just stopping because nobody used it is started again by the next command, without a word', async () => {
  await project.out(['--idle-timeout', '2s', '--name', 'brief', '--', 'sh', '-c', 'echo kept | sudo tee /nix/kept']);
  const { record } = runPaths(paths, runId('brief'));
  const retired = new Promise<void>((resolve) => {
    const watcher = watch(dirname(record), (_event, name) => {
      if (name !== basename(record) || readdirSync(dirname(record)).includes(name)) return;
      watcher.close();
      resolve();
    });
  });
  await within(30_000, 'the idle VM goes', retired);
  const { code, stdout, stderr } = await project.run(['--name', 'brief', '--', 'echo', 'again']);
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'again\n' });
  expect(stderr).toMatch(STARTED);
});

it('arguments that the guest cannot take are exit code 126, and the VM lives', async () => {
  // Where the stack may grow, this host lets a program have more than a guest's programs can be given.
  const script = `ulimit -s unlimited; x=$(printf %0131000d 0); exec "$0" --name brief -- true${' $x'.repeat(25)}`;
  const child = spawn('bash', ['-c', script, CLI], { cwd: project.root, env: project.env });
  child.stdin.end();
  const { code, stderr } = await ended(child, ['true']);
  expect(stderr).toMatch(/^vzshell: the arguments and environment of .*true.* longer than the kernel takes/);
  expect(code).toBe(126);
  expect(await project.out(['--name', 'brief', '--', 'echo', 'alive'])).toBe('alive\n');
});
