// The flake as far as it can be judged without nixpkgs and without a network: its files, what it offers, and the hashes in it.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, nixFiles, openLab, ROOT } from './nix.ts';

let lab: Lab;
beforeAll(() => {
  lab = openLab(null);
}, 120_000);
afterAll(() => lab?.close());

/** nixfmt, from PATH or where `scripts/setup --tests` puts it. */
const NIXFMT = [
  'nixfmt',
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vzshell/tools/bin/nixfmt'),
].find((program) => spawnSync(program, ['--version']).status === 0);

test.each(nixFiles())('%s parses', (file) => {
  const { status, stderr } = lab.run('nix-instantiate', '--parse', join(ROOT, file));
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

if (NIXFMT === undefined)
  console.warn(
    'NOT RUN: formatting of the .nix files. There is no nixfmt: scripts/setup --tests, with Rust (cargo) on this machine',
  );
test.skipIf(NIXFMT === undefined)('every .nix file is formatted', () => {
  const { status, stdout, stderr } = spawnSync(NIXFMT as string, ['--check', ...nixFiles()], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(stdout + stderr).toBe('');
  expect(status).toBe(0);
});

test.each(
  ['guest/nixos', 'test/nixos', 'test/contract'].flatMap((directory) =>
    readdirSync(join(ROOT, directory))
      .filter((name) => name.endsWith('.sh'))
      .map((name) => join(directory, name)),
  ),
)('%s is a script that bash can read', (file) => {
  expect(spawnSync('bash', ['-n', join(ROOT, file)], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

test('no file uses `with`, which hides where a name comes from', () => {
  const found = nixFiles().filter((file) =>
    /^[^#]*\bwith\s+[\w.()]+\s*;/m.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  expect(found).toEqual([]);
});

test('what does not touch nixpkgs evaluates without it', () => {
  expect(lab.evaluate('lib', 'lib: builtins.mapAttrs (_: builtins.isFunction) lib')).toEqual({ mkGuest: true });
  expect(lab.evaluate('nixosModules', 'builtins.mapAttrs (_: builtins.isFunction)')).toEqual({
    default: true,
    guest: true,
  });
  expect(lab.evaluate('overlays', 'builtins.mapAttrs (_: builtins.isFunction)')).toEqual({ default: true });
  for (const output of ['packages', 'devShells', 'formatter'])
    expect(lab.evaluate(output, 'builtins.attrNames')).toEqual(['aarch64-darwin', 'aarch64-linux', 'x86_64-linux']);
  expect(lab.evaluate('checks', 'builtins.attrNames')).toEqual(['aarch64-linux', 'x86_64-linux']);
  expect(lab.evaluate('nixosConfigurations', 'builtins.attrNames')).toEqual(['guest', 'guest-systemd', 'guest-x86_64']);
});

test('each template is a flake and says what it is', () => {
  const templates = lab.evaluate('templates') as Record<string, { path: string; description: string }>;
  expect(Object.keys(templates).sort()).toEqual(['default', 'devshell', 'guest', 'node']);
  expect(templates.default).toEqual(templates.devshell);
  for (const name of ['devshell', 'guest', 'node']) {
    expect(templates[name]?.description).toMatch(/^[A-Z].{10,}[^.]$/);
    expect(existsSync(join(ROOT, 'templates', name, 'flake.nix')), name).toBe(true);
  }
});

test("the agent's vendorHash is that of its modules", () => {
  const copy = mkdtempSync('/tmp/vzs-vendor-');
  try {
    cpSync(join(ROOT, 'guest/agent'), copy, { recursive: true });
    execFileSync('go', ['mod', 'vendor'], {
      cwd: copy,
      stdio: 'pipe',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/local/go/bin` },
    });
    const { stdout } = lab.run('nix', 'hash', 'path', join(copy, 'vendor'));
    const written = /vendorHash = "([^"]+)"/.exec(readFileSync(join(ROOT, 'guest/nixos/agent.nix'), 'utf8'))?.[1];
    expect(stdout.trim()).toBe(written);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}, 120_000);
