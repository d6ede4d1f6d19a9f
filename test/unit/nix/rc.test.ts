// The script is proven by running it: real bash, environments as `nix print-dev-env --json` prints them.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../../src/nix/environment.ts';
import { rcScript } from '../../../src/nix/rc.ts';

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'rc test ')));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type Variables = Record<string, { type: string; value?: unknown }>;
const exported = (value: string) => ({ type: 'exported', value });
const OUT = '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-shell';
const OUTPUTS: Variables = { outputs: exported('out'), out: exported(OUT) };

function environment(variables: Variables, bashFunctions: Record<string, string> = {}, more: object = {}) {
  return parseEnvironment(JSON.stringify({ variables: { ...OUTPUTS, ...variables }, bashFunctions, ...more }));
}

interface Run {
  readonly env?: Record<string, string>;
  readonly prefix?: readonly string[];
  readonly functions?: Record<string, string>;
}

/** Runs a command through the script of an environment and gives its output. */
function run(variables: Variables, argv: readonly string[], { env = {}, prefix = [], functions = {} }: Run = {}) {
  const rc = join(directory, 'the rc');
  writeFileSync(rc, rcScript(environment(variables, functions), null));
  const result = spawnSync('bash', [rc, ...prefix, '--', ...argv], {
    cwd: directory,
    env: { PATH: process.env.PATH ?? '', HOME: directory, ...env },
    encoding: 'utf8',
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** The value of a variable that a program in the dev shell sees. */
function seen(variables: Variables, name: string, how: Run = {}): string | undefined {
  const print = `process.stdout.write(JSON.stringify(process.env[${JSON.stringify(name)}] ?? null))`;
  const { stdout, stderr } = run(variables, [process.execPath, '-e', print], how);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as string | null) ?? undefined;
}

describe('variables', () => {
  const values = [
    "it's",
    'two\nlines\n',
    '"double" $HOME `date` \\ back',
    '',
    ' spaces ',
    'ünï ❄',
    '-n',
    '*',
    "'",
    "''''",
    '!history',
    '~',
    '\t\r\u0001',
    '$(exit 3)',
    `${'x'.repeat(100_000)}'`,
  ];
  it.each(values)('an exported value arrives as it is: %j', (value) => {
    expect(seen({ V: exported(value) }, 'V')).toBe(value);
  });

  it('what is not exported is set for the hook and unseen by programs', () => {
    const variables = { V: { type: 'var', value: "a'b" }, shellHook: exported('echo "hook sees $V"') };
    expect(run(variables, ['printenv', 'V'])).toEqual({ code: 1, stdout: "hook sees a'b\n", stderr: '' });
  });

  it('what is not exported still replaces what the caller exports', () => {
    expect(seen({ LANGUAGE: { type: 'var', value: 'de' } }, 'LANGUAGE', { env: { LANGUAGE: 'en' } })).toBe('de');
  });

  it.each([
    'BASHOPTS',
    'HOME',
    'NIX_BUILD_TOP',
    'NIX_ENFORCE_PURITY',
    'NIX_LOG_FD',
    'NIX_REMOTE',
    'PPID',
    'SHELLOPTS',
    'SSL_CERT_FILE',
    'TEMP',
    'TEMPDIR',
    'TERM',
    'TMP',
    'TMPDIR',
    'TZ',
    'UID',
  ])('%s of the build is left out', (name) => {
    expect(seen({ [name]: exported('from-the-build') }, name, { env: { HOME: '/h' } })).not.toBe('from-the-build');
  });

  it("a SHELL that the build had not exported does not replace the user's", () => {
    expect(seen({ SHELL: { type: 'var', value: '/noshell' } }, 'SHELL', { env: { SHELL: '/bin/zsh' } })).toBe(
      '/bin/zsh',
    );
    expect(seen({ SHELL: exported('/s/bash') }, 'SHELL', { env: { SHELL: '/bin/zsh' } })).toBe('/s/bash');
  });

  it('variables of the caller that the environment does not name stay', () => {
    expect(seen({ V: exported('1') }, 'MINE', { env: { MINE: 'kept' } })).toBe('kept');
  });
});

describe('arrays', () => {
  it('keep their items, also empty ones and ones with quotes', () => {
    const items = ['a b', '', "q'", 'two\nlines', '*'];
    const variables = { A: { type: 'array', value: items }, shellHook: exported('printf "<%s>" "${A[@]}"') };
    expect(run(variables, ['true']).stdout).toBe(items.map((item) => `<${item}>`).join(''));
  });

  it('by key keep keys and values, whatever is in them', () => {
    const value = { 'a key': "it's", 'q"]': '$x', k: '' };
    const hook = 'for k in "a key" \'q"]\' k; do printf "<%s>" "${M[$k]}"; done; printf "%s" "${#M[@]}"';
    const variables = { M: { type: 'associative', value }, shellHook: exported(hook) };
    expect(run(variables, ['true']).stdout).toBe("<it's><$x><>3");
  });
});

describe('functions', () => {
  it('are there for the hook, here documents and quotes included', () => {
    const functions = { greet: ` \n    cat <<'E'\nhello 'you' $x\nE\n    echo "$1"\n` };
    expect(run({ shellHook: exported('greet "a  b"') }, ['true'], { functions }).stdout).toBe("hello 'you' $x\na  b\n");
  });

  it('with dashes and colons in their names work', () => {
    const functions = { 'do-it': ' echo dash\n', 'a::b': ' echo colon\n' };
    expect(run({ shellHook: exported('do-it; a::b') }, ['true'], { functions }).stdout).toBe('dash\ncolon\n');
  });
});

describe('PATH', () => {
  it('of the dev shell comes first, the one before stays behind', () => {
    expect(seen({ PATH: exported('/dev/shell/bin') }, 'PATH', { env: { PATH: '/usr/bin:/bin' } })).toBe(
      '/dev/shell/bin:/usr/bin:/bin',
    );
  });

  it('XDG_DATA_DIRS goes the same way', () => {
    expect(
      seen({ XDG_DATA_DIRS: exported('/s/share') }, 'XDG_DATA_DIRS', { env: { XDG_DATA_DIRS: '/usr/share' } }),
    ).toBe('/s/share:/usr/share');
  });

  it('no colon hangs behind when there was none before', () => {
    expect(seen({ XDG_DATA_DIRS: exported('/s/share') }, 'XDG_DATA_DIRS')).toBe('/s/share');
  });

  it('decides which program runs', () => {
    const bin = join(directory, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'ls'), '#!/bin/sh\necho ours\n', { mode: 0o755 });
    expect(run({ PATH: exported(bin) }, ['ls']).stdout).toBe('ours\n');
  });
});

describe('shellHook', () => {
  it("of the caller's environment is not run", () => {
    expect(run({}, ['printenv', 'shellHook'], { env: { shellHook: 'echo wrong' } })).toEqual({
      code: 1,
      stdout: '',
      stderr: '',
    });
  });

  it('writes before the command and changes its environment', () => {
    expect(
      run({ shellHook: exported('echo first; export FROM_HOOK=yes; cd /') }, ['sh', '-c', 'echo $FROM_HOOK; pwd'])
        .stdout,
    ).toBe('first\nyes\n/\n');
  });

  it("does not see the command's arguments as its own", () => {
    expect(run({ shellHook: exported('echo "$# $*"') }, ['echo', 'a', 'b']).stdout).toBe('0 \na b\n');
  });

  it('that turns on -e and -u does not break the entrance', () => {
    expect(run({ shellHook: exported('set -eu') }, ['echo', 'fine'])).toEqual({
      code: 0,
      stdout: 'fine\n',
      stderr: '',
    });
  });

  it('that exits ends the command with its code', () => {
    expect(run({ shellHook: exported('exit 9') }, ['echo', 'never'])).toEqual({ code: 9, stdout: '', stderr: '' });
  });
});

describe('the command', () => {
  it('gets its arguments as they are', () => {
    const argv = ['a b', '', 'q"\'', 'ü\n', '--', '-n', '$HOME', 'x=y', '*'];
    expect(run({}, ['printf', '<%s>', ...argv]).stdout).toBe(argv.map((each) => `<${each}>`).join(''));
  });

  it.each([
    ['its own exit code', ['sh', '-c', 'exit 42'], 42],
    ['127 when it is not found', ['no-such-program-here'], 127],
    ['127 when its path is not there', ['./no/such'], 127],
    ['126 when it cannot be executed', ['/etc/passwd'], 126],
  ] as const)('ends with %s', (_, argv, code) => {
    expect(run({}, argv).code).toBe(code);
  });

  it('is a program even where bash has a builtin or a function of that name', () => {
    expect(run({}, ['printf', 'x'], { functions: { printf: ' echo function\n' } }).stdout).toBe('x');
  });

  it('that is not found is named in plain words', () => {
    expect(run({}, ['no-such-program-here']).stderr).toBe('vzshell: command not found: no-such-program-here\n');
  });

  it('that the environment sets variables for runs with them, after the hook', () => {
    const variables = { CC: exported('gcc'), shellHook: exported('export MODE=hook') };
    const prefix = ['CC=clang', 'MODE=mine = ok', 'DROPPED'];
    const { stdout } = run(variables, ['sh', '-c', 'echo "$CC|$MODE|${DROPPED-unset}"'], {
      prefix,
      env: { DROPPED: '1' },
    });
    expect(stdout).toBe('clang|mine = ok|unset\n');
  });
});

describe('outputs of the derivation', () => {
  it("are moved below the current directory, in variables, arrays and functions' quotes", () => {
    const variables = {
      FLAGS: exported(`-rpath ${OUT}/lib '${OUT}'`),
      A: { type: 'array', value: [`${OUT}/a`] },
      shellHook: exported('echo "${A[0]}"; show'),
    };
    const functions = { show: ` \n    echo '${OUT}/single' "${OUT}/double" ${OUT}/bare\n` };
    const { stdout } = run(variables, ['sh', '-c', 'echo "$FLAGS"; echo "$out"'], { functions });
    const outputs = `${directory}/outputs/out`;
    // Unquoted in a function, the directory's space splits words, as it does in `nix develop`.
    expect(stdout.split('\n')).toEqual([
      `${outputs}/a`,
      `${outputs}/single ${outputs}/double ${outputs}/bare`,
      `-rpath ${outputs}/lib '${outputs}'`,
      outputs,
      '',
    ]);
  });

  it('files of structured attributes are found where they were put', () => {
    const attrs = { '.attrs.json': '{}', '.attrs.sh': 'declare x=1' };
    const parsed = environment(
      {
        NIX_ATTRS_SH_FILE: exported('/build/.attrs.sh'),
        NIX_ATTRS_JSON_FILE: exported('/build/.attrs.json'),
        outputs: { type: 'associative', value: { out: OUT } },
      },
      {},
      { structuredAttrs: attrs },
    );
    writeFileSync(join(directory, 'k.attrs.sh'), attrs['.attrs.sh']);
    const rc = join(directory, 'rc');
    writeFileSync(rc, rcScript(parsed, { base: join(directory, 'k.attrs') }));
    const script = '. "$NIX_ATTRS_SH_FILE"; echo "$x $NIX_ATTRS_JSON_FILE $out"';
    const stdout = execFileSync('bash', [rc, '--', 'bash', '-c', script], { cwd: directory, encoding: 'utf8' });
    expect(stdout).toBe(`1 ${join(directory, 'k.attrs.json')} ${join(directory, 'outputs/out')}\n`);
  });
});

describe('interactively', () => {
  it('it sources ~/.bashrc first, so the dev shell wins, and aliases work afterwards but not inside', () => {
    writeFileSync(join(directory, '.bashrc'), 'V=bashrc; alias hi="echo hello"; alias echo="printf wrong"\n');
    const rc = join(directory, 'rc');
    const hook = 'echo "hook $V"; unalias echo';
    writeFileSync(rc, rcScript(environment({ V: exported('shell'), shellHook: exported(hook) }), null));
    const { stdout } = spawnSync('bash', ['--rcfile', rc, '-i'], {
      cwd: directory,
      env: { PATH: process.env.PATH ?? '', HOME: directory, PS1: '$ ' },
      input: 'echo "$V ${__vzshell_argv-clean} ${__vzshell_outputs-clean}"\nhi\nexit 5\n',
      encoding: 'utf8',
    });
    expect(stdout).toBe('hook shell\nshell clean clean\nhello\n');
  });
});
