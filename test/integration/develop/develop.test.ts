// Dev shells in a real guest with a real Nix, without a network: what they are, what makes them evaluate, what survives.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceStorePath } from '../../../src/nix/store-path.ts';
import { TestProject } from '../cli/project.ts';

const project = new TestProject('dev "shell" ü\n#1');
const run = project.run.bind(project);
const out = project.out.bind(project);

/** A flake on the guest's own package set. */
function flake(shells: string): void {
  project.write(
    'flake.nix',
    `{
  inputs.nixpkgs.url = "path:/etc/vzshell/pkgs";
  outputs = { self, nixpkgs }: let pkgs = nixpkgs.legacyPackages.aarch64-linux; in {
    devShells.aarch64-linux = { ${shells} };
  };
}
`,
  );
}
const GREETING = `it's \${plain} "quoted" ü`;
const PLAIN = 'default = pkgs.mkShell { packages = [ pkgs.gnumake ]; GREETING = "it\'s \\${plain} \\"quoted\\" ü"; };';
const HOOK = 'hook = pkgs.mkShell { A = "1"; shellHook = "export FROM_HOOK=yes; echo hook says hi"; };';

/** Runs with --verbose and tells whether Nix was asked. */
async function evaluates(args: readonly string[]): Promise<boolean> {
  const { code, stderr } = await run(['--verbose', ...args]);
  expect(code, stderr).toBe(0);
  return stderr.includes('evaluating the dev shell');
}

beforeAll(async () => {
  flake(`${PLAIN} ${HOOK}`);
  await out(['start']);
});
afterAll(() => project.remove());

describe('a dev shell', () => {
  it('is evaluated once, and then not again', async () => {
    expect(await evaluates(['--', 'true'])).toBe(true);
    expect(await evaluates(['--', 'true'])).toBe(false);
    expect(readdirSync(project.root)).toContain('flake.lock');
  });

  it('has its variables, its tools first on PATH, and the directory', async () => {
    const text = await out(['--', 'sh', '-c', 'echo "$GREETING"; command -v make; pwd; echo $IN_NIX_SHELL']);
    const [greeting, make, ...rest] = text.split('\n');
    expect(greeting).toBe(GREETING);
    expect(make).toMatch(/^\/nix\/store\/.*\/bin\/make$/);
    expect(rest.join('\n')).toBe(`${project.root}\nimpure\n`);
  });

  it('runs its shellHook, whose output comes first', async () => {
    expect(await out(['--shell', 'hook', '--', 'sh', '-c', 'echo $FROM_HOOK $A'])).toBe('hook says hi\nyes 1\n');
  });

  it('gives arguments, input, output and exit codes through, with a hook and without', async () => {
    for (const shell of ['default', 'hook']) {
      const script = 'printf "<%s>" "$@"; cat; exit 9';
      const { code, stdout } = await run(['--shell', shell, '--', 'sh', '-c', script, 'sh', 'a b', '', "q'"], {
        input: 'in\0put',
      });
      expect(stdout.toString().replace('hook says hi\n', '')).toBe("<a b><><q'>in\0put");
      expect(code).toBe(9);
      expect((await run(['--shell', shell, '--', 'no-such-program-here'])).code).toBe(127);
      expect((await run(['--shell', shell, '--', '/etc/passwd'])).code).toBe(126);
    }
  });

  it('has a private directory for temporary files, which is removed', async () => {
    const directory = (
      await out(['--', 'sh', '-c', 'test "$TMPDIR" = "$NIX_BUILD_TOP" && touch "$TMPDIR/x" && echo "$TMPDIR"'])
    ).trim();
    expect(directory).toMatch(/^\//);
    expect((await run(['--plain', '--', 'test', '-e', directory])).code).toBe(1);
  });

  it('what is named by --env wins over it, and over its hook', async () => {
    expect(await out(['-e', 'GREETING=mine', '--', 'printenv', 'GREETING'])).toBe('mine\n');
    const text = await out([
      '--shell',
      'hook',
      '-e',
      'FROM_HOOK=mine',
      '-e',
      'A=2',
      '--',
      'printenv',
      'FROM_HOOK',
      'A',
    ]);
    expect(text).toBe('hook says hi\nmine\n2\n');
  });

  it('is entered by an interactive bash too', async () => {
    const { stdout, code } = await run(['--shell', 'hook', '-e', 'A=3'], { input: 'echo "$FROM_HOOK $A"; exit 4\n' });
    expect(stdout.toString()).toContain('hook says hi\nyes 3\n');
    expect(code).toBe(4);
  });

  it('that the flake does not have is said by Nix, exit code 1', async () => {
    const { code, stderr } = await run(['--shell', 'nope', '--', 'true']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not provide attribute/);
  });
});

it.each(['default', 'hook'])('the environment of %s is that of `nix develop`', async (shell) => {
  const reference = shell === 'default' ? [] : [`.#${shell}`];
  const ours = variables((await run(['--shell', shell, '--', 'env', '-0'])).stdout);
  const nix = variables(
    (await run(['--plain', '--', 'nix', 'develop', '--offline', ...reference, '-c', 'env', '-0'])).stdout,
  );
  // Nix roots its environment in a variable for as long as the shell lives; ours is rooted by a profile.
  nix.delete('NIX_GCROOT');
  // What bash makes of the sandbox's passwd file, which Nix passes on (docs/dev-shells.md).
  expect(nix.get('SHELL')).toBe('/noshell');
  nix.set('SHELL', ours.get('SHELL') ?? '');
  expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(nix));
});

/** Variables of `env -0`, without what differs between any two processes and what names the private directory. */
function variables(output: Buffer): Map<string, string> {
  const noise = /^(?:_|SHLVL|OLDPWD|NIX_BUILD_TOP|TMP|TMPDIR|TEMP|TEMPDIR)$/;
  const text = output.toString().replace(/^hook says hi\n/, '');
  const entries = text
    .split('\0')
    .filter((line) => line !== '')
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return new Map(
    entries
      .filter(([name]) => !noise.test(name))
      .map(([name, value]) => [name, name === 'PATH' ? existingPath(value) : value]),
  );
}

/** The part of PATH that does not depend on which directories happen to exist in the guest. */
function existingPath(path: string): string {
  return path
    .split(':')
    .filter((each) => each.startsWith('/nix/store/') || each === '/path-not-set' || /^\/(?:usr\/)?bin$/.test(each))
    .join(':');
}

describe('it is evaluated again', () => {
  it('when a Nix file changes, and not when a source file does', async () => {
    project.write('main.c', 'int main(void) { return 0; }');
    expect(await evaluates(['--', 'true'])).toBe(false);
    project.write('nix/extra.nix', '{ }');
    expect(await evaluates(['--', 'true'])).toBe(true);
    expect(await evaluates(['--', 'true'])).toBe(false);
  });

  it('when it has been collected in the guest, without a word', async () => {
    const profiles = '/nix/var/nix/profiles/vzshell/"$USER"';
    await out(['--plain', '--', 'sh', '-c', `rm -r ${profiles}/*-default* && nix-collect-garbage >/dev/null 2>&1`]);
    const { code, stdout } = await run(['--', 'printenv', 'GREETING']);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: `${GREETING}\n` });
    expect(await evaluates(['--', 'true'])).toBe(false);
  });
});

describe('a flake that cannot be evaluated', () => {
  it('leaves the last good dev shell in use, with a warning and what Nix says', async () => {
    const good = readFileSync(join(project.root, 'flake.nix'), 'utf8');
    project.write('flake.nix', '{ outputs = ; }');
    const { code, stdout, stderr } = await run(['--', 'printenv', 'GREETING']);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: `${GREETING}\n` });
    expect(stderr).toMatch(/error: syntax error, unexpected ';'/);
    expect(stderr).toMatch(/^vzshell: using the dev shell as it was when evaluation last worked$/m);
    expect((await run(['--no-cache', '--', 'true'])).code).toBe(1);
    project.write('flake.nix', good);
    expect((await run(['--', 'true'])).stderr).toBe('');
  });

  it('and never could is an error of Nix, exit code 1, and nothing is kept of it', async () => {
    flake(
      'default = pkgs.mkShell { packages = [ pkgs.no-such-package ]; }; fresh = pkgs.mkShell { packages = [ pkgs.no-such-package ]; };',
    );
    const { code, stdout, stderr } = await run(['--shell', 'fresh', '--', 'echo', 'never']);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/error: .*no-such-package/);
    flake(`${PLAIN} ${HOOK} fresh = pkgs.mkShell { F = "now"; };`);
    expect(await out(['--shell', 'fresh', '--', 'printenv', 'F'])).toBe('now\n');
  });

  it("because only another system could build what it needs: the message is Nix's own", async () => {
    const foreign = 'derivation { name = "foreign"; system = "x86_64-linux"; builder = "/bin/sh"; }';
    flake(`${PLAIN} ${HOOK} foreign = pkgs.mkShell { packages = [ (${foreign}) ]; };`);
    const nix = ['nix', 'print-dev-env', '--offline', '--json', '.#foreign'];
    const own = (await run(['--plain', '--', ...nix])).stderr;
    expect(own).toMatch(
      /a 'x86_64-linux' with features \{\} is required to build '.*-foreign\.drv', but I am a 'aarch64-linux'/,
    );
    const { code, stdout, stderr } = await run(['--shell', 'foreign', '--', 'echo', 'never']);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(own);
    flake(`${PLAIN} ${HOOK}`);
  });
});

describe('the store', () => {
  it('--no-cache runs nix develop itself, also from a directory below', async () => {
    project.write('sub/x', '');
    expect(
      await out(['--no-cache', '--', 'sh', '-c', 'echo "$GREETING"; pwd'], { cwd: join(project.root, 'sub') }),
    ).toBe(`${GREETING}\n${project.root}/sub\n`);
  });

  it("is the host's only where the host has one: the error names the cure", async () => {
    const args = ['--rm', '--store', 'host', '--plain', '--', 'echo', 'never'];
    const { code, stdout, stderr } = await run(args, { env: { NIX_REMOTE: '/nowhere' } });
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 125, stdout: '' });
    expect(stderr).toContain(
      "the host's Nix store cannot be used: this host has no Nix store (/nowhere/nix/store does not exist)",
    );
    expect(stderr).toContain('install Nix on this host, or use --store image');
  });

  it('knows a tree by the path that follows from its hash', async () => {
    project.write('tree/a', 'content');
    const nix =
      'nix hash path --sri "$1" && mkdir -p /tmp/t && rm -rf /tmp/t/source && cp -r "$1" /tmp/t/source && nix-store --add-fixed --recursive sha256 /tmp/t/source';
    const [hash = '', path] = (await out(['--plain', '--', 'sh', '-c', nix, 'sh', join(project.root, 'tree')]))
      .trim()
      .split('\n');
    expect(sourceStorePath(hash)).toBe(path);
  });

  it('roots the inputs of the flake that lie in it', async () => {
    const lock = JSON.parse(readFileSync(join(project.root, 'flake.lock'), 'utf8')) as {
      nodes: Record<string, { locked?: { narHash: string } }>;
    };
    const path = sourceStorePath(lock.nodes.nixpkgs?.locked?.narHash ?? '') ?? 'no path';
    const there = (await run(['--plain', '--', 'test', '-e', path])).code === 0;
    const links = await out(['--plain', '--', 'sh', '-c', 'readlink /nix/var/nix/gcroots/vzshell/"$USER"/*-default/*']);
    expect(there).toBe(true);
    expect(links.trim().split('\n')).toContain(path);
  });
});
