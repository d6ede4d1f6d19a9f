import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEnvFile } from '../../../src/project/env-file.ts';
import { findProject } from '../../../src/project/find.ts';
import { parseMount } from '../../../src/project/mount.ts';
import { projectVmName } from '../../../src/project/name.ts';
import { nearest } from '../../../src/project/nearest.ts';
import { parseDuration, parseSize } from '../../../src/project/quantity.ts';
import { isName } from '../../../src/state/names.ts';

describe('the project', () => {
  let top: string;
  beforeEach(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'project ü\n')));
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));
  const file = (path: string): void => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), '');
  };
  const dir = (path: string): string => {
    mkdirSync(join(top, path), { recursive: true });
    return join(top, path);
  };

  it.each(['flake.nix', 'vzshell.json', '.git'] as const)('is the nearest directory upwards with %s', (marker) => {
    file(`a/${marker}`);
    expect(findProject(dir('a/b/c'), '/home/me')).toEqual({ root: join(top, 'a'), markers: [marker] });
  });

  it('is the nearer of two', () => {
    file('a/flake.nix');
    file('a/b/.git');
    expect(findProject(dir('a/b/c'), '/home/me')?.root).toBe(join(top, 'a/b'));
    expect(findProject(dir('a/x'), '/home/me')?.root).toBe(join(top, 'a'));
  });

  it('is never the home directory, nor anything above it', () => {
    file('.git');
    file('home/flake.nix');
    file('home/mine/.git');
    expect(findProject(dir('home/mine/x'), join(top, 'home'))?.root).toBe(join(top, 'home/mine'));
    expect(findProject(dir('home/other'), join(top, 'home'))).toBeNull();
    expect(findProject(dir('home'), join(top, 'home'))).toBeNull();
    expect(findProject(top, join(top, 'home'))).toBeNull();
  });

  it('is not there where nothing marks one', () => {
    expect(findProject(dir('a'), top)).toBeNull();
  });
});

describe("a project's VM name", () => {
  it.each([
    '/p/hello',
    '/p/My Project',
    '/p/ünï ❄',
    '/p/.dotted',
    '/p/---',
    `/p/${'x'.repeat(200)}`,
    '/p/a\nb',
    '/',
    '/p/日本語',
  ])('is a name whatever the directory is called: %j', (root) => {
    expect(isName(projectVmName(root))).toBe(true);
  });

  it('is stable, speaks, and tells two checkouts apart', () => {
    expect(projectVmName('/a/hello')).toBe(projectVmName('/a/hello'));
    expect(projectVmName('/a/hello')).toMatch(/^hello-[0-9a-f]{6}$/);
    expect(projectVmName('/a/Grüße du')).toMatch(/^Gru-e-du-[0-9a-f]{6}$|^Gru.*-du-[0-9a-f]{6}$/);
    expect(projectVmName('/a/hello')).not.toBe(projectVmName('/b/hello'));
  });
});

describe('an env file', () => {
  const parse = (text: string) => parseEnvFile(text, 'f.env', { HOST: 'from host' });
  it('gives names and values', () => {
    const text =
      '# comment\n\nA=1\nexport B = two words  \r\nC=\'$x "q"\'\nD="a\\nb\\"\n  line"\nE=\nHOST\n  F=x=y # not a comment\n';
    expect(parse(text)).toEqual({
      A: '1',
      B: 'two words',
      C: '$x "q"',
      D: 'a\nb"\n  line',
      E: '',
      HOST: 'from host',
      F: 'x=y # not a comment',
    });
  });

  it.each([
    ['A=1\n2B=x', "f.env:2: '2B' is not a name of a variable"],
    ['a b c', 'f.env:1: expected NAME=value'],
    ['\n\nUNSET_HERE', "f.env:3: 'UNSET_HERE' has no value here and is not set on this host"],
    ['A="open', "f.env:1: the quote in the value of 'A' has no end"],
    ['A="two\nlines"\n=x', 'f.env:3: expected NAME=value'],
  ])('%j is refused with its line', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

it.each([
  ['1', 1],
  ['2GiB', 2 * 1024 ** 3],
  ['512M', 512 * 1024 ** 2],
  ['1.5g', 1.5 * 1024 ** 3],
  ['4 GB', 4 * 1024 ** 3],
  ['10b', 10],
  ['12 bananas', null],
  ['', null],
  ['-1', null],
  ['0', null],
  ['GiB', null],
  ['1e3', null],
  ['9999999TiB', null],
  ['NaN', null],
])('the size %j is %j', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['2h', 7_200_000],
  ['250ms', 250],
  ['never', 'never'],
  ['15', null],
  ['', null],
  ['-5m', null],
])('the time %j is %j', (text, time) => {
  expect(parseDuration(text)).toBe(time);
});

it.each([
  ['/a', { source: '/a', target: '/a', readonly: false }],
  ['/a:/b', { source: '/a', target: '/b', readonly: false }],
  ['/a:/b:ro', { source: '/a', target: '/b', readonly: true }],
  ['/a:ro', { source: '/a', target: '/a', readonly: true }],
  ['x y:/b:rw', { source: '/base/x y', target: '/b', readonly: false }],
  ['/a:b', null],
  ['/a:/b:/c', null],
  ['', null],
  [':/b', null],
])('the mount %j is %j', (text, mount) => {
  expect(parseMount(text, '/base')).toEqual(mount);
});

it.each([
  ['memroy', 'memory'],
  ['Memory', 'memory'],
  ['cpu', 'cpus'],
  ['idletimeout', 'idleTimeout'],
  ['xyzzy', null],
])('nearest to %j is %j', (word, expected) => {
  expect(nearest(word, ['memory', 'cpus', 'idleTimeout', 'mounts'])).toBe(expected);
});
