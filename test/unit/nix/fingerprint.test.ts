import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_MEMO, fingerprint } from '../../../src/nix/fingerprint.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fingerprint-'));
  put('flake.nix', 'one');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
/** Makes everything look as if nobody had written to it for an hour. */
function age(...paths: string[]): void {
  for (const path of paths)
    utimesSync(join(root, path), new Date(Date.now() - 3_600_000), new Date(Date.now() - 3_600_000));
}
const digest = (watch: readonly string[] = []) => fingerprint(root, watch, EMPTY_MEMO).digest;

describe('the fingerprint changes', () => {
  it.each([
    ['when flake.nix changes', () => put('flake.nix', 'two')],
    ['when flake.lock appears', () => put('flake.lock', '{}')],
    ['when a Nix file somewhere below appears', () => put('nix/deep/er/x.nix', '')],
    ['when rust-toolchain.toml appears', () => put('rust-toolchain.toml', '')],
  ])('%s', (_, change) => {
    const before = digest();
    change();
    expect(digest()).not.toBe(before);
  });

  it('when a Nix file is renamed', () => {
    put('a.nix', 'same');
    const before = digest();
    renameSync(join(root, 'a.nix'), join(root, 'b.nix'));
    expect(digest()).not.toBe(before);
  });

  it.each([
    ['a plain name', ['deps.toml'], 'deps.toml'],
    ['a plain name in a hidden directory', ['.config/deps.toml'], '.config/deps.toml'],
    ['a pattern', ['*.toml'], 'deps.toml'],
    ['a pattern over directories', ['**/*.toml'], 'a/b/deps.toml'],
    ['a pattern with a directory', ['deps/?.toml'], 'deps/x.toml'],
  ])('when a watched file changes: %s', (_, watch, path) => {
    put(path, '1');
    const before = digest(watch);
    put(path, '2');
    expect(digest(watch)).not.toBe(before);
    put(path, '1');
    expect(digest(watch)).toBe(before);
  });
});

describe('the fingerprint stays', () => {
  it.each([
    ['source', 'src/main.c'],
    ['a Nix file in node_modules', 'node_modules/x/default.nix'],
    ['a Nix file in result', 'result/x.nix'],
    ['a Nix file in a hidden directory', '.direnv/x.nix'],
    ['what a pattern does not match', 'a/b.toml'],
  ])('when this changes: %s', (_, path) => {
    const before = digest(['*.toml']);
    put(path, 'new');
    expect(digest(['*.toml'])).toBe(before);
  });

  it('when files are touched, or written anew with the same content', () => {
    const before = digest();
    put('flake.nix', 'one');
    age('flake.nix');
    expect(digest()).toBe(before);
  });
});

describe('what is remembered', () => {
  it('makes a second look change nothing and give the same', () => {
    put('nix/x.nix', 'x');
    age('flake.nix', 'nix/x.nix', 'nix', '.');
    const first = fingerprint(root, [], EMPTY_MEMO);
    const second = fingerprint(root, [], first.memo);
    expect(second).toEqual({ ...first, changed: false });
  });

  it('is not believed for a file written in the same tick as the look, even when size and time stay', () => {
    const first = fingerprint(root, [], EMPTY_MEMO);
    const { atime, mtime } = statSync(join(root, 'flake.nix'));
    put('flake.nix', 'two');
    utimesSync(join(root, 'flake.nix'), atime, mtime);
    expect(fingerprint(root, [], first.memo).digest).not.toBe(first.digest);
  });

  it('is not believed for a file of another size', () => {
    age('flake.nix');
    const first = fingerprint(root, [], EMPTY_MEMO);
    put('flake.nix', 'three');
    age('flake.nix');
    expect(fingerprint(root, [], first.memo).digest).not.toBe(first.digest);
  });

  it('notices a file that is gone', () => {
    put('x.nix', 'x');
    age('flake.nix', 'x.nix', '.');
    const first = fingerprint(root, [], EMPTY_MEMO);
    rmSync(join(root, 'x.nix'));
    const second = fingerprint(root, [], first.memo);
    expect(second.digest).not.toBe(first.digest);
    expect(second.changed).toBe(true);
  });
});

it('tells a change of flake.lock alone from other changes', () => {
  const before = fingerprint(root, [], EMPTY_MEMO);
  put('flake.lock', '{}');
  expect(fingerprint(root, [], EMPTY_MEMO).digestWithoutLock).toBe(before.digestWithoutLock);
  put('flake.nix', 'two');
  expect(fingerprint(root, [], EMPTY_MEMO).digestWithoutLock).not.toBe(before.digestWithoutLock);
});

it('looks at a big project in a few milliseconds, because there is an end to the looking', () => {
  for (let i = 0; i < 60; i++) for (let j = 0; j < 40; j++) mkdirSync(join(root, `d${i}/e${j}`), { recursive: true });
  put('d0/e0/x.nix', 'x');
  const first = fingerprint(root, [], EMPTY_MEMO);
  expect(Object.keys(first.memo.directories).length).toBe(2000);
  expect(fingerprint(root, [], EMPTY_MEMO).digest).toBe(first.digest);
});

it('a directory that cannot be listed is passed over', () => {
  expect(fingerprint(join(root, 'no-such'), ['a'], EMPTY_MEMO)).toMatchObject({ memo: EMPTY_MEMO });
});
