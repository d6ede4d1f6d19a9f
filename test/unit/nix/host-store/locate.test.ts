import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { locateHostNix } from '../../../../src/nix/host-store/locate.ts';
import { planHostStore } from '../../../../src/nix/host-store/plan.ts';
import { scratch } from '../../state/scratch.ts';
import { makeStore } from './database.ts';

/** A directory with a program that says nothing. */
function programs(root: string): string {
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'nix-store'), '#!/bin/sh\n');
  chmodSync(join(bin, 'nix-store'), 0o755);
  return bin;
}

test.each([
  'local?root=ROOT',
  'ROOT',
  'unix://ROOT/socket?root=ROOT',
  'local?real=ROOT/nix/store&state=ROOT/nix/var/nix',
])('the store that NIX_REMOTE names is found: %s', async (remote) => {
  const root = scratch();
  const { store, state, database } = makeStore(root, {});
  const env = { NIX_REMOTE: remote.replaceAll('ROOT', root), PATH: programs(root) };
  expect(await locateHostNix(env)).toEqual({ store, state, database, program: join(root, 'bin/nix-store') });
});

test.each([
  [{ NIX_REMOTE: 'ssh://elsewhere' }, /NIX_REMOTE names 'ssh:\/\/elsewhere', which is no store of this host/],
  [{ NIX_STORE_DIR: '/gnu/store' }, /the host's Nix store is '\/gnu\/store', guests have \/nix\/store/],
  [{ NIX_REMOTE: '/nowhere' }, /this host has no Nix store \(\/nowhere\/nix\/store does not exist\)/],
])('what cannot be used says why: %j', async (env, message) => {
  await expect(locateHostNix({ PATH: '', ...env })).rejects.toThrow(message);
});

test('without Nix `auto` goes on with the reason, `host` is an error that names the cure, and `image` does not look', async () => {
  const before = process.env.NIX_REMOTE;
  process.env.NIX_REMOTE = '/nowhere';
  try {
    const image = { id: 'x', manifest: '/m', storeDatabase: '/db' } as Parameters<typeof planHostStore>[1];
    const plan = (mode: 'auto' | 'host' | 'image') => planHostStore(mode, image, { stores: '/nowhere' });
    expect((await plan('auto')).store).toEqual({
      ...{ mode: 'auto', host: null, cache: null },
      reason: 'this host has no Nix store (/nowhere/nix/store does not exist)',
    });
    expect((await plan('image')).store).toEqual({ mode: 'image', host: null, cache: null, reason: null });
    await expect(plan('host')).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_HOST',
      message: expect.stringContaining("the host's Nix store cannot be used: this host has no Nix store"),
      hint: expect.stringContaining('install Nix on this host'),
    });
  } finally {
    if (before === undefined) delete process.env.NIX_REMOTE;
    else process.env.NIX_REMOTE = before;
  }
});
