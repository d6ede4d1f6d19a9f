import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  CACHE_FORMAT,
  type CachedEnvironment,
  EnvCache,
  KEPT_ENTRIES,
  type KeyParts,
} from '../../../src/nix/env-cache.ts';

let home: string;
let root: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'env-cache-'));
  root = join(home, 'project');
  mkdirSync(root);
  writeFileSync(join(root, 'flake.nix'), '{}');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const PARTS: KeyParts = {
  shell: 'default',
  impure: false,
  system: 'aarch64-linux',
  imageId: 'image',
  nixVersion: '2.26.3',
  user: 'me',
  flake: '/p',
};
const entry = (key: string): CachedEnvironment => ({
  format: CACHE_FORMAT,
  key,
  hasHook: false,
  exported: { A: '1' },
  unexported: {},
  outputs: [],
  rc: '/rc',
  storePath: '/nix/store/x',
});
const hex = (n: number): string => n.toString(16).padStart(32, '0');
const open = (): EnvCache => new EnvCache(join(home, 'envs'), 'uuid', 'project-default');

it('gives an entry back to another process', () => {
  open().put(entry(hex(1)));
  expect(open().get(hex(1))).toEqual(entry(hex(1)));
  expect(open().lastGood()).toEqual(entry(hex(1)));
  expect(open().get(hex(2))).toBeNull();
});

it('knows a volume and a shell apart from others', () => {
  open().put(entry(hex(1)));
  expect(new EnvCache(join(home, 'envs'), 'other', 'project-default').get(hex(1))).toBeNull();
  expect(new EnvCache(join(home, 'envs'), 'uuid', 'project-ci').get(hex(1))).toBeNull();
});

it.each(Object.keys(PARTS) as (keyof KeyParts)[])('the key depends on %s', (part) => {
  const before = open().key(root, [], PARTS).key;
  const other = { ...PARTS, [part]: part === 'impure' ? true : 'another' };
  expect(open().key(root, [], other).key).not.toBe(before);
  expect(open().key(root, [], PARTS).key).toBe(before);
});

it('the key follows the files, and what is watched', () => {
  const before = open().key(root, [], PARTS).key;
  writeFileSync(join(root, 'deps.toml'), '1');
  expect(open().key(root, [], PARTS).key).toBe(before);
  const watched = open().key(root, ['deps.toml'], PARTS).key;
  expect(watched).not.toBe(before);
  writeFileSync(join(root, 'deps.toml'), '2');
  expect(open().key(root, ['deps.toml'], PARTS).key).not.toBe(watched);
});

it('keeps a bounded number of entries, and the last good one among them', () => {
  for (let i = 0; i < KEPT_ENTRIES + 5; i++) open().put(entry(hex(i)));
  const entries = readdirSync(join(home, 'envs/uuid')).filter((name) => !name.includes('index'));
  expect(entries.length).toBe(KEPT_ENTRIES);
  expect(open().lastGood()?.key).toBe(hex(KEPT_ENTRIES + 4));
});

it.each(['', '{', 'null', '{"format":999}', '[]'])('a file that holds %j is no entry', (text) => {
  open().put(entry(hex(1)));
  writeFileSync(join(home, `envs/uuid/project-default-${hex(1)}.json`), text);
  expect(open().get(hex(1))).toBeNull();
  expect(open().lastGood()).toBeNull();
});

it('where nothing can be written there is no cache, and no error', () => {
  writeFileSync(join(home, 'envs'), 'a file where the directory should be');
  expect(() => open().put(entry(hex(1)))).not.toThrow();
  expect(open().get(hex(1))).toBeNull();
  expect(open().key(root, [], PARTS).key).toMatch(/^[0-9a-f]{32}$/);
});
