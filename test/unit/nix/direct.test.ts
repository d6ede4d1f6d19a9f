// Entering without bash must give what bash would give: each case is run through the script as well.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { directEnvironment } from '../../../src/nix/direct.ts';
import { parseEnvironment } from '../../../src/nix/environment.ts';
import { outputPaths } from '../../../src/nix/outputs.ts';
import { exportedVariables, rcScript } from '../../../src/nix/rc.ts';

let directory: string;
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'direct-')));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const OUT = '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-shell';
/** What bash itself sets, or what a caller cannot know. */
const NOISE = ['_', 'SHLVL', 'PWD', 'OLDPWD'];

const BASE = { PATH: '/usr/bin:/bin', SHELL: '/bin/bash', USER: 'me', LANG: 'C.UTF-8' };
const exported = (value: string) => ({ type: 'exported', value });

it.each([
  ['a plain one', { CC: exported('gcc'), PATH: exported('/s/bin') }, {}],
  ['without a PATH', { CC: exported('gcc') }, {}],
  ['with a SHELL of its own', { PATH: exported('/s/bin'), SHELL: exported('/s/bash') }, {}],
  ['with a USER that is not exported', { USER: { type: 'var', value: 'nixbld' } }, {}],
  ['with odd values', { A: exported("it's\n$x `y` \\"), B: exported('') }, {}],
  ['with XDG_DATA_DIRS on both sides', { XDG_DATA_DIRS: exported('/s/share') }, { XDG_DATA_DIRS: '/usr/share' }],
  ['with XDG_DATA_DIRS of the shell alone', { XDG_DATA_DIRS: exported('/s/share') }, {}],
  ['with XDG_DATA_DIRS of the caller alone', {}, { XDG_DATA_DIRS: '/usr/share' }],
  ['with skipped variables', { TZ: exported('UTC'), TMPDIR: exported('/build'), NIX_LOG_FD: exported('2') }, {}],
  ['with paths of its outputs', { FLAGS: exported(`-rpath ${OUT}/lib ${OUT}`) }, {}],
])('an environment %s is the same without bash', (_, variables, more) => {
  const base = { ...BASE, ...more };
  const all = { ...variables, outputs: exported('out'), out: exported(OUT) };
  const environment = parseEnvironment(JSON.stringify({ variables: all, bashFunctions: {} }));
  const unexported = Object.fromEntries(
    [...environment.variables].flatMap(([name, variable]) => (variable.type === 'var' ? [[name, variable.value]] : [])),
  );
  const parts = { exported: exportedVariables(environment, null), unexported, outputs: outputPaths(environment) };
  const direct = { ...base, ...directEnvironment(parts, base, directory) };

  const rc = join(directory, 'rc');
  writeFileSync(rc, rcScript(environment, null));
  const print = 'process.stdout.write(JSON.stringify(process.env))';
  const argv = [rc, '--', process.execPath, '-e', print];
  const text = execFileSync('/bin/bash', argv, { cwd: directory, env: base, encoding: 'utf8' });
  const throughBash = JSON.parse(text) as Record<string, string>;
  for (const name of NOISE) delete throughBash[name];
  expect(direct).toEqual(throughBash);
});
