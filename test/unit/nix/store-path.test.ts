import { describe, expect, it } from 'vitest';
import { flakeInputPaths } from '../../../src/nix/roots.ts';
import { nixBase32, sourceStorePath } from '../../../src/nix/store-path.ts';

describe('the store path of a fetched tree', () => {
  it.each([
    // The pairs that Nix's own manual prints: `nix flake metadata`, `nix flake prefetch`, `builtins.fetchTree`.
    ['sha256-VHg3MYVgQ12LeRSU2PSoDeKlSPD8PYYEFxxwkVVDRd0=', '/nix/store/hang3792qwdmm2n0d9nsrs5n6bsws6kv-source'],
    ['sha256-3XYHZANT6AFBV0BqegkAZHbba6oeDkIUCDwbATLMhAY=', '/nix/store/sl5vvk8mb4ma1sjyy03kwpvkz50hd22d-source'],
    ['sha256-rA9RqKP9OlBrgGCPvfd5HVAXDOy8k2SmPtB/ijShNXc=', '/nix/store/l5m6qlvfs9sdw14ja3qbzpglcjlb6j1x-source'],
  ])('follows from its hash alone: %s', (narHash, path) => {
    expect(sourceStorePath(narHash)).toBe(path);
  });

  it.each(['', 'sha256-short', 'sha1-aaaa', 'md5:x', 'sha256-VHg3MYVgQ12LeRSU2PSoDeKlSPD8PYYEFxxwkVVDRd0=/../x'])(
    'is unknown for %j',
    (narHash) => {
      expect(sourceStorePath(narHash)).toBeNull();
    },
  );
});

it('base 32 has five bits a digit, the last first', () => {
  expect(nixBase32(new Uint8Array(20))).toBe('0'.repeat(32));
  expect(nixBase32(new Uint8Array(20).fill(255))).toBe('z'.repeat(32));
  expect(nixBase32(Uint8Array.of(1))).toBe('01');
});

describe('the inputs of a flake', () => {
  it('are all nodes of the lock that were fetched, once each', () => {
    const locked = { narHash: 'sha256-VHg3MYVgQ12LeRSU2PSoDeKlSPD8PYYEFxxwkVVDRd0=' };
    const nodes = {
      a: { locked },
      b: { locked },
      root: { inputs: { a: 'a' } },
      odd: null,
      c: { locked: { narHash: 7 } },
    };
    expect(flakeInputPaths(JSON.stringify({ nodes, root: 'root', version: 7 }))).toEqual([
      '/nix/store/hang3792qwdmm2n0d9nsrs5n6bsws6kv-source',
    ]);
  });

  it.each(['', 'null', '[]', '{"nodes":3}', '{'])('of %j are none', (lock) => {
    expect(flakeInputPaths(lock)).toEqual([]);
  });
});
