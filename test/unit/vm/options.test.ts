import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultCpus, resolveOptions } from '../../../src/vm/options.ts';
import type { Mount, VmOptions } from '../../../src/vm/types.ts';
import { scratch } from '../state/scratch.ts';

const GIB = 1024 ** 3;

/** The error that options from JavaScript get. */
function refusal(options: unknown): { message: string; hint?: string; code?: string } {
  try {
    resolveOptions(options as VmOptions);
  } catch (error) {
    return error as { message: string };
  }
  throw new Error('the options were accepted');
}

test('without options everything has a default', () => {
  expect(resolveOptions({})).toMatchObject({
    name: null,
    volume: null,
    disk: 64 * GIB,
    network: 'nat',
    mounts: [],
    env: {},
    driver: 'auto',
    accelerator: 'auto',
    detached: false,
    idleTimeout: 900_000,
    cpus: null,
    startTimeout: null,
  });
});

test.each([
  ['memory', '12 bananas', /expected the 'memory' option to be a size such as '4GiB'.*, got '12 bananas' \(string\)/],
  ['memory', '1MiB', /from 256 MiB to the \d+ MiB of this host, got '1MiB'/],
  ['memory', 1e15, /got 1000000000000000 \(number\)/],
  ['memory', Number.NaN, /'memory'/],
  ['disk', '-1GiB', /'disk' option to be a size/],
  ['cpus', 0, /'cpus' option to be a whole number from 1 to \d+, the cores of this host, got 0 \(number\)/],
  ['cpus', 1.5, /got 1.5/],
  ['cpus', 4096, /got 4096/],
  ['cpus', '2', /got '2' \(string\)/],
  ['name', 'a b', /'name' option to be 1 to 64 of letters/],
  ['name', '../x', /got '..\/x'/],
  ['name', '', /got ''/],
  ['name', 'x\u001b[31m', /got 'x\\u001b\[31m'/],
  ['volume', '.hidden', /'volume'/],
  ['arch', 'sparc', /'arch' option to be 'arm64' or 'x86_64', got 'sparc'/],
  ['network', 'bridge', /'nat' or 'none'/],
  ['env', { 'A=B': 'x' }, /'env'/],
  ['env', { A: 1 }, /'env'/],
  ['env', { A: 'x\0' }, /'env'/],
  ['workdir', 'src', /an absolute path in the guest, got 'src'/],
  ['user', { name: 'alice' }, /'user'/],
  ['user', { name: 'a b', uid: 1, gid: 1 }, /'user'/],
  ['startTimeout', -1, /positive number of milliseconds, got -1/],
  ['startTimeout', 2 ** 31, /'startTimeout'/],
  ['idleTimeout', 0, /or null for never/],
  ['detached', 'yes', /true or false, got 'yes'/],
  ['mounts', [{ from: '/x' }], /a list of \{ source, target\?, readonly\? \}/],
  ['signal', {}, /an AbortSignal/],
  ['onProgress', 'x', /a function/],
])('%s: %j is refused with what is accepted', (option, value, message) => {
  expect(refusal({ [option]: value })).toMatchObject({
    code: 'ERR_INVALID_OPTION',
    message: expect.stringMatching(message),
  });
});

test.each([
  ['memroy', "did you mean 'memory'?"],
  ['CPUs', "did you mean 'cpus'?"],
  ['wibble', 'the options are name, image, arch'],
])('an unknown option %s is named, with the nearest', (option, hint) => {
  expect(refusal({ [option]: 1 })).toMatchObject({
    message: `there is no option '${option}'`,
    hint: expect.stringContaining(hint),
  });
});

test('an option that is undefined is not there', () => {
  expect(resolveOptions({ name: undefined } as never).name).toBeNull();
});

test.each([
  ['1GiB', GIB],
  ['512MiB', GIB / 2],
  [GIB + 1, GIB],
])('memory %s is %i bytes', (memory, bytes) => {
  expect(resolveOptions({ memory: memory as never }).memory).toBe(bytes);
});

test('the guest user is the host user, and root is root', () => {
  const { username, uid, gid } = userInfo();
  expect(resolveOptions({}).user).toMatchObject(
    uid === 0 ? { name: 'root', home: '/root' } : { name: username, uid, gid },
  );
  expect(resolveOptions({ user: { name: 'alice', uid: 1000, gid: 100 } }).user).toMatchObject({
    name: 'alice',
    uid: 1000,
    gid: 100,
    home: '/home/alice',
  });
});

test('the working directory is the home of the guest user', () => {
  expect(resolveOptions({ user: { name: 'bob', uid: 7, gid: 7 } }).workdir).toBe('/home/bob');
});

function tree(): string {
  const root = scratch();
  mkdirSync(join(root, 'a', 'sub'), { recursive: true });
  mkdirSync(join(root, 'b'));
  writeFileSync(join(root, 'file'), '');
  symlinkSync(join(root, 'a'), join(root, 'link'));
  return root;
}

test('a mount is on its own path unless a target is given', () => {
  const root = tree();
  const mounts = [{ source: join(root, 'link') }, { source: join(root, 'b'), target: '/mnt//b/', readonly: true }];
  expect(resolveOptions({ mounts }).mounts).toEqual([
    { source: join(root, 'a'), target: join(root, 'link'), readonly: false },
    { source: join(root, 'b'), target: '/mnt/b', readonly: true },
  ]);
});

const refusedMounts: readonly [string, (root: string) => Mount[], RegExp][] = [
  ['a source that is missing', (root) => [{ source: join(root, 'none') }], /none' does not exist/],
  ['a source that is a file', (root) => [{ source: join(root, 'file') }], /file' is a file, only directories/],
  ['a relative source', () => [{ source: 'src' }], /the source 'src' is not absolute/],
  ['a relative target', (root) => [{ source: join(root, 'a'), target: 'x' }], /the target 'x' is not absolute/],
  [
    'a source inside another mount',
    (root) => [
      { source: join(root, 'a'), target: '/mnt/a' },
      { source: join(root, 'a', 'sub'), target: '/mnt/b' },
    ],
    /sub' is inside another mount, .*: the guest has it as '\/mnt\/a\/sub'/,
  ],
  [
    'a target inside another mount',
    (root) => [
      { source: join(root, 'b'), target: '/mnt/a/b' },
      { source: join(root, 'a'), target: '/mnt/a' },
    ],
    /the target '\/mnt\/a\/b' is inside another mount, '\/mnt\/a'/,
  ],
  [
    'two on one target',
    (root) => [
      { source: join(root, 'a'), target: '/mnt/a' },
      { source: join(root, 'b'), target: '/mnt/a' },
    ],
    /two directories on '\/mnt\/a'/,
  ],
  [
    'one directory twice, by another name',
    (root) => [
      { source: join(root, 'a'), target: '/mnt/a' },
      { source: join(root, 'link'), target: '/mnt/b' },
    ],
    /is mounted twice/,
  ],
];

test.each(refusedMounts)('%s is refused', (_, mounts, message) => {
  expect(refusal({ mounts: mounts(tree()) }).message).toMatch(message);
});

test.each([
  '/',
  '/nix',
  '/nix/store',
  '/usr',
  '/usr/bin',
  '/etc',
  '/etc/ssl',
  '/proc',
  '/proc/1',
  '/run/x',
  '/tmp',
  '/home',
  '/mnt/../etc',
])('nothing can be mounted on %s', (target) => {
  expect(refusal({ mounts: [{ source: join(tree(), 'a'), target }] }).message).toMatch(
    "the guest's own system is there",
  );
});

test.each(['/usr/src/app', '/var/www', '/tmp/x', '/home/alice', '/opt', '/workspace', '/Users/alice/x', '/nixpkgs'])(
  'something can be mounted on %s',
  (target) => {
    const source = join(tree(), 'a');
    expect(resolveOptions({ mounts: [{ source, target }] }).mounts).toMatchObject([{ target }]);
  },
);

test('cpus that nobody asked for are those of the host, fewer where they are emulated, or what VZSHELL_CPUS says', () => {
  const cores = availableParallelism();
  expect(defaultCpus(false, 'arm64', '')).toBe(Math.min(4, cores));
  expect(defaultCpus(true, 'arm64', undefined)).toBe(Math.min(2, cores));
  expect(defaultCpus(true, 'arm64', '1')).toBe(1);
  for (const wrong of ['0', 'many', '1.5', '4096']) {
    expect(() => defaultCpus(true, 'arm64', wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining(`it is '${wrong}'`) }),
    );
  }
});
