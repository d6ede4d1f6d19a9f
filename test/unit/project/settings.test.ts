import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSettings, loadSettings, mergeSettings } from '../../../src/project/settings.ts';

const FILE = '/p/vzshell.json';
const check = (text: string) => checkSettings(text, FILE);
const MIB = 1024 ** 2;

describe('settings', () => {
  it('of every kind become plain data', async () => {
    const text = JSON.stringify({
      name: 'box',
      image: './image/manifest.json',
      arch: 'arm64',
      cpus: 2,
      memory: '512MiB',
      disk: 1024 ** 3,
      volume: 'work',
      mounts: ['../data:/data:ro', { source: '~/x', target: '/x' }, '/same'],
      network: 'none',
      env: { A: '1' },
      workdir: '/p/sub',
      shell: 'ci',
      watch: ['deps.toml'],
      accelerator: 'emulation',
      idleTimeout: '30m',
      startTimeout: '90s',
    });
    expect(await check(text)).toEqual({
      name: 'box',
      image: '/p/image/manifest.json',
      arch: 'arm64',
      cpus: 2,
      memory: 512 * MIB,
      disk: 1024 ** 3,
      volume: 'work',
      mounts: [
        { source: '/data', target: '/data', readonly: true },
        { source: join(homedir(), 'x'), target: '/x', readonly: false },
        { source: '/same', target: '/same', readonly: false },
      ],
      network: 'none',
      env: { A: '1' },
      workdir: '/p/sub',
      shell: 'ci',
      watch: ['deps.toml'],
      accelerator: 'emulation',
      idleTimeout: 1_800_000,
      startTimeout: 90_000,
    });
  });

  it('"never" is no idle timeout at all', async () => {
    expect(await check('{"idleTimeout":"never"}')).toEqual({ idleTimeout: null });
  });

  it.each([
    [
      'an unknown key',
      '{\n  "memroy": "2GiB"\n}',
      "/p/vzshell.json:2:3: unknown setting 'memroy'",
      "did you mean 'memory'?",
    ],
    [
      'a key that is like no other',
      '{"zzzzzz":1}',
      "/p/vzshell.json:1:2: unknown setting 'zzzzzz'",
      'known are name, image',
    ],
    [
      'an unknown key of a mount',
      '{"mounts":[{"source":"/a","readOnly":true}]}',
      `/p/vzshell.json:1:12: 'mounts[0]': expected SRC, SRC:DST or SRC:DST:ro, with an absolute DST, or an object with source`,
      undefined,
    ],
    [
      'bananas',
      '{\n\n "memory": "12 bananas" }',
      `/p/vzshell.json:3:2: 'memory': expected a size such as '4GiB', '512MiB' or '4G', got "12 bananas"`,
      undefined,
    ],
    ['half a core', '{"cpus":0.5}', "/p/vzshell.json:1:2: 'cpus': expected a whole number, got 0.5", undefined],
    ['no core', '{"cpus":0}', "/p/vzshell.json:1:2: 'cpus': expected at least 1, got 0", undefined],
    ['a core in words', '{"cpus":"two"}', `'cpus': expected a number, got "two"`, undefined],
    ['another network', '{"network":"wifi"}', `'network': expected one of "nat", "none", got "wifi"`, undefined],
    [
      'a mount onto a relative path',
      '{"mounts":["/a","/a:b"]}',
      `/p/vzshell.json:1:17: 'mounts[1]': expected SRC, SRC:DST`,
      undefined,
    ],
    [
      'a number among the variables',
      '{"env":{"A":"x","B":1}}',
      `/p/vzshell.json:1:17: 'env.B': expected text in quotes, got 1`,
      undefined,
    ],
    ['a name with a slash', '{"name":"a/b"}', "'name': expected 1 to 64 letters", undefined],
    ['a time without a unit', '{"idleTimeout":"15"}', "'idleTimeout': expected a time such as", undefined],
    ['a list in place of settings', '[]', '/p/vzshell.json:1:1: expected an object of settings', undefined],
    [
      'a comma too many',
      '{\n  "cpus": 2,\n}',
      '/p/vzshell.json:3:1: expected a key in quotes after the comma, found "}"',
      'settings are JSON',
    ],
    [
      'a comma too few',
      '{"a":1 "b":2}',
      '/p/vzshell.json:1:8: expected a comma or `}`, found "\\""',
      'settings are JSON',
    ],
    [
      'a key twice',
      '{"cpus":1,\n"cpus":2}',
      '/p/vzshell.json:2:1: the key "cpus" stands here twice',
      'settings are JSON',
    ],
    ['a comment', '{ // no\n}', '/p/vzshell.json:1:3: expected a key in quotes, found "/"', 'settings are JSON'],
    ['nothing at all', '', '/p/vzshell.json:1:1: expected a value, found the end of the file', 'settings are JSON'],
    ['a string without an end', '{"name":"x', '/p/vzshell.json:1:9: this string has no end', 'settings are JSON'],
    [
      'more behind the end',
      '{} {}',
      '/p/vzshell.json:1:4: expected the end of the file, found "{"',
      'settings are JSON',
    ],
    ['Python', "{'cpus': 2}", `/p/vzshell.json:1:2: expected a key in quotes, found "'"`, 'settings are JSON'],
  ])('%s is refused with its place', async (_, text, message, hint) => {
    const error = await check(text).then(
      () => expect.fail('accepted'),
      (reason: unknown) => reason as { code: string; message: string; hint?: string },
    );
    expect(error.code).toBe('ERR_INVALID_OPTION');
    expect(error.message).toContain(message);
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  it('may begin with a byte order mark', async () => {
    expect(await check('\uFEFF{"cpus":1}')).toEqual({ cpus: 1 });
  });

  it('cannot reach the prototype of anything', async () => {
    await expect(check('{"__proto__":{"cpus":1}}')).rejects.toThrow("unknown setting '__proto__'");
    expect(({} as { cpus?: number }).cpus).toBeUndefined();
  });
});

describe('of two files', () => {
  it('the project wins, and variables and mounts are added', () => {
    const under = {
      cpus: 1,
      network: 'none',
      env: { A: 'user', B: 'user' },
      mounts: [
        { source: '/a', target: '/x' },
        { source: '/b', target: '/y' },
      ],
    } as const;
    const over = { cpus: 2, env: { A: 'project' }, mounts: [{ source: '/c', target: '/x' }] };
    expect(mergeSettings(under, over)).toEqual({
      cpus: 2,
      network: 'none',
      env: { A: 'project', B: 'user' },
      mounts: [
        { source: '/b', target: '/y' },
        { source: '/c', target: '/x' },
      ],
    });
  });

  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'settings ü\n'));
    mkdirSync(join(home, 'project'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('each is read where it lies, whatever the path looks like', async () => {
    writeFileSync(join(home, 'config.json'), '{"cpus":1,"volume":"mine"}');
    writeFileSync(join(home, 'project/vzshell.json'), '{"cpus":2}');
    expect(await loadSettings(join(home, 'project'), home)).toEqual({ cpus: 2, volume: 'mine' });
    expect(await loadSettings(null, home)).toEqual({ cpus: 1, volume: 'mine' });
    expect(await loadSettings(join(home, 'project'), join(home, 'none'))).toEqual({ cpus: 2 });
  });

  it('one that is a directory is an error, not no settings', async () => {
    mkdirSync(join(home, 'project/vzshell.json'));
    await expect(loadSettings(join(home, 'project'), home)).rejects.toThrow('cannot read the settings in');
  });
});
