// The real program as a process, as far as it needs no machine. Its code is the built one: `scripts/test` builds before it tests.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CLI = join(ROOT, 'bin/vzshell.js');

let top: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'cli-')));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

function vzshell(
  args: readonly string[],
  { cwd = top, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
) {
  const result = spawnSync(CLI, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: top, VZSHELL_HOME: join(top, 'state'), ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

describe('what asks for text', () => {
  it.each([['--help'], ['-h'], ['help']])('%s prints the help on stdout', (flag) => {
    const { code, stdout, stderr } = vzshell([flag]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('vzshell [FLAGS] -- CMD ARGS…');
  });

  it.each([['--version'], ['-V'], ['version']])('%s prints the version alone', (flag) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(vzshell([flag])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    'start',
    'stop',
    'list',
    'inspect',
    'exec',
    'shell',
    'cp',
    'forward',
    'logs',
    'store',
    'gc',
    'copy-to-host',
    'doctor',
    'delete',
  ])('%s --help explains the verb', (verb) => {
    const { code, stdout } = vzshell([verb, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: vzshell ${verb}`);
  });
});

describe('what is wrong exits 125, on stderr, with a hint', () => {
  it.each([
    ['a flag', ['--cpsu', '2', '--', 'x'], "vzshell: unknown flag '--cpsu'\n  did you mean '--cpus'?\n"],
    ['a flag of a verb', ['list', '--jsno'], "vzshell: unknown option '--jsno'\n  did you mean --json?\n"],
    [
      'forgotten dashes',
      ['make', 'test'],
      "vzshell: 'make' is not a verb of vzshell\n  to run it in the dev shell: vzshell -- make test\n",
    ],
    [
      'a verb of another program',
      ['ps'],
      "vzshell: 'ps' is not a verb of vzshell\n  did you mean 'list'? to run it in the dev shell: vzshell -- ps\n",
    ],
    [
      'help for no verb',
      ['help', 'strat'],
      "vzshell: 'strat' is not a verb of vzshell\n  did you mean 'start'? to run it in the dev shell: vzshell -- strat\n",
    ],
    ['a copy to nowhere', ['cp', 'a'], "vzshell: missing required argument 'dst'\n  see `vzshell cp --help`\n"],
    [
      'memory',
      ['--memory', '12 bananas'],
      "vzshell: --memory: expected a size such as '4GiB', '512MiB' or '4G', got '12 bananas'\n",
    ],
    ['an architecture', ['--arch', 'vax'], "vzshell: --arch: expected 'arm64' or 'x86_64', got 'vax'\n"],
    [
      'a mount',
      ['--mount', 'a:b'],
      "vzshell: --mount: expected SRC, SRC:DST or SRC:DST:ro, with an absolute DST, got 'a:b'\n",
    ],
    [
      'a variable',
      ['--env', 'NOT_SET_ANYWHERE'],
      'vzshell: --env NOT_SET_ANYWHERE: it is not set on this host, and has no value here\n',
    ],
    ['an env file', ['--env-file', '/no/such'], "vzshell: cannot read the env file '/no/such': "],
    ['a throwaway with a name', ['--rm', '--name', 'x'], 'vzshell: --rm and --name contradict each other'],
    ['a VM that is not there', ['stop', 'nosuch'], "vzshell: there is no running vm 'nosuch'\n"],
    ['two hosts', ['cp', 'a', 'b'], "vzshell: 'a' and 'b' are both on the host: use `cp`\n"],
    ['no VM at all', ['stop'], 'vzshell: no VM is named, and there is no project around the current directory\n'],
  ])('%s', (_, args, stderr) => {
    const result = vzshell(args);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 125, stdout: '' });
    expect(result.stderr).toContain(stderr);
  });

  it('settings, with file, line and column', () => {
    writeFileSync(join(top, 'vzshell.json'), '{\n  "memroy": "2GiB"\n}\n');
    const project = join(top, 'p');
    mkdirSync(project);
    writeFileSync(join(project, 'vzshell.json'), '{\n  "memroy": "2GiB"\n}\n');
    const { code, stderr } = vzshell(['--', 'true'], { cwd: project });
    expect(code).toBe(125);
    expect(stderr).toBe(`vzshell: ${project}/vzshell.json:2:3: unknown setting 'memroy'\n  did you mean 'memory'?\n`);
  });

  it('a deleted current directory', () => {
    const gone = join(top, 'gone');
    mkdirSync(gone);
    const result = spawnSync('sh', ['-c', 'rmdir "$1" && exec "$2" -- true', 'sh', gone, CLI], {
      cwd: gone,
      env: { PATH: process.env.PATH ?? '', HOME: top, VZSHELL_HOME: join(top, 'state') },
      encoding: 'utf8',
    });
    expect(result.status).toBe(125);
    expect(result.stderr).toMatch(/^vzshell: the current directory does not exist any more\n {2}it was deleted/);
  });

  it('an env file of ours is not read by Node', () => {
    writeFileSync(join(top, 'my.env'), '2=broken\n');
    const { code, stderr } = vzshell(['--env-file', join(top, 'my.env'), '--', 'true']);
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: `vzshell: ${top}/my.env:1: '2' is not a name of a variable\n`,
    });
  });

  it('--verbose tells where it came from', () => {
    const { stderr } = vzshell(['--verbose', '--env-file', '/no/such', '--', 'x']);
    expect(stderr).toContain('caused by: Error: ENOENT');
  });
});

describe('lists', () => {
  it('without VMs are empty in both forms', () => {
    expect(vzshell(['list', '--json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
    expect(vzshell(['list']).stdout).toContain('no VMs');
  });

  it('show a broken VM as broken, which can then be deleted', () => {
    const run = join(top, 'state/run/0123abcd');
    mkdirSync(run, { recursive: true });
    for (const directory of ['state', 'state/run', 'state/run/0123abcd']) chmodSync(join(top, directory), 0o700);
    writeFileSync(join(run, 'spec.json'), '{"schema":999}');
    const [vm] = JSON.parse(vzshell(['list', '--json']).stdout) as { name: string; state: string; problem: string }[];
    expect(vm).toMatchObject({ name: '0123abcd', state: 'broken', problem: expect.stringContaining('schema 999') });
    expect(vzshell(['list']).stdout).toContain('broken');
    expect(vzshell(['delete', '0123abcd'])).toMatchObject({ code: 0, stdout: '' });
    expect(vzshell(['list', '--json']).stdout).toBe('[]\n');
  });
});

describe('doctor', () => {
  it('as JSON names every finding, and its exit code says whether VMs can run', () => {
    const { code, stdout, stderr } = vzshell(['doctor', '--json', '--arch', 'arm64']);
    const { ok, arch, findings } = JSON.parse(stdout) as {
      ok: boolean;
      arch: string;
      findings: { what: string; level: string }[];
    };
    expect(stderr).toBe('');
    expect(arch).toBe('arm64');
    expect(code).toBe(ok ? 0 : 1);
    expect(findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['node', 'guest image', 'state directory']),
    );
    expect(ok).toBe(findings.every(({ level }) => level !== 'problem'));
  });

  it('says what is missing and how to get it', () => {
    const bin = join(top, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const { code, stdout } = vzshell(['doctor', '--arch', 'arm64'], {
      env: { PATH: bin, XDG_CACHE_HOME: join(top, 'cache') },
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^!! {2}qemu/m);
    expect(stdout).toMatch(/^!! {2}virtiofsd/m);
    expect(stdout).toMatch(/^!! {2}vhost-device-vsock/m);
    expect(stdout).toMatch(/apt-get install/);
    expect(stdout).toMatch(/^cannot run .* guests yet$/m);
  });

  it('finds a state directory that cannot be written to', () => {
    writeFileSync(join(top, 'state'), '');
    const { code, stdout } = vzshell(['doctor', '--arch', 'arm64'], {
      env: { VZSHELL_HOME: join(top, 'state/below') },
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^!! {2}state directory/m);
  });
});

describe('a VM whose records are damaged', () => {
  const damaged = (): string => {
    const directory = join(top, 'state/run', createHash('sha256').update('ghost').digest('hex').slice(0, 8));
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, 'spec.json'), '{');
    return directory;
  };

  it('is said to be broken by every verb that is given its name, with the way to delete it', () => {
    damaged();
    const inspect = vzshell(['inspect', 'ghost']);
    expect(JSON.parse(inspect.stdout)).toMatchObject({
      state: 'broken',
      problem: expect.stringContaining('is damaged'),
    });
    expect(inspect.stderr).toContain('`vzshell delete ghost`');
    const stop = vzshell(['stop', 'ghost']);
    expect(stop.code).not.toBe(0);
    expect(stop.stderr).toMatch(/vm 'ghost' does not run, and is broken: .*spec\.json is damaged/);
    expect(stop.stderr).toContain('`vzshell delete ghost`');
  });

  it('is deleted by its name', () => {
    const directory = damaged();
    expect(vzshell(['delete', 'ghost'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(directory)).toBe(false);
    expect(vzshell(['stop', 'ghost']).stderr).toContain("there is no running vm 'ghost'");
  });
});
