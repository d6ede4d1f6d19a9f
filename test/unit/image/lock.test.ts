import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Package {
  readonly uses: readonly string[];
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

const LINE = /^[a-z,]+ [a-z0-9][a-z0-9.+-]* \S+ (?:arm64|amd64|all) [0-9a-f]{64} [1-9][0-9]* pool\/[^ :]+\.deb$/;

function lock(arch: string): readonly string[] {
  const text = readFileSync(new URL(`../../../guest/debian/packages-${arch}.lock`, import.meta.url), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const packages = (arch: string): readonly Package[] =>
  lock(arch).map((line) => {
    const [uses = '', name = '', version = '', its = ''] = line.split(' ');
    return { uses: uses.split(','), name, version, arch: its };
  });

test.each(['arm64', 'amd64'])('every package of %s is pinned by sha256, size and a path without a host', (arch) => {
  const lines = lock(arch);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter((line) => !LINE.test(line))).toEqual([]);
  expect(packages(arch).filter((entry) => entry.arch !== 'all' && entry.arch !== arch)).toEqual([]);
});

test('both architectures have the same Nix, 2.26 or newer, and exactly one kernel', () => {
  const versions = ['arm64', 'amd64'].map((arch) => {
    expect(packages(arch).filter(({ uses }) => uses.includes('kernel'))).toHaveLength(1);
    return packages(arch).find(({ name }) => name === 'nix-bin')?.version;
  });
  expect(versions[0]).toBe(versions[1]);
  const [major = 0, minor = 0] = (versions[0] ?? '').split('.').map(Number);
  expect(major * 1000 + minor).toBeGreaterThanOrEqual(2026);
});

test("the example's lock names the package set of the image by path and hash, and no repository", () => {
  const text = readFileSync(new URL('../../../examples/hello/flake.lock', import.meta.url), 'utf8');
  expect(JSON.parse(text).nodes.nixpkgs.locked).toEqual({
    lastModified: 1735689600,
    narHash: expect.stringMatching(/^sha256-[A-Za-z0-9+/]{43}=$/),
    path: '/etc/vzshell/pkgs',
    type: 'path',
  });
});
