import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { findExecutable, hostCommand } from '../../../src/host/executable.ts';
import { failure, scratch } from '../driver/scratch.ts';

function executable(path: string): string {
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

/** A module below a node_modules that holds the platform package. */
function installation(): { from: string; binary: string } {
  const top = scratch();
  const root = join(top, 'node_modules/@vzshell/darwin-arm64');
  mkdirSync(join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"name":"@vzshell/darwin-arm64","version":"0.0.0"}');
  return { from: pathToFileURL(join(top, 'index.js')).href, binary: executable(join(root, 'bin/vzshell')) };
}

const mac = { platform: 'darwin', arch: 'arm64', env: {} } as const;

it('takes the node that runs already where there is no entitlement to have', () => {
  expect(findExecutable({ platform: 'linux', env: {} })).toBeNull();
  expect(hostCommand({ platform: 'linux', env: {} })).toEqual([
    process.execPath,
    expect.stringMatching(/dist\/host\/main\.js$/),
  ]);
});

it('takes what VZSHELL_HOST_BINARY names, on any platform', () => {
  const path = executable(join(scratch(), 'vzshell'));
  expect(hostCommand({ platform: 'linux', env: { VZSHELL_HOST_BINARY: path } })).toEqual([path]);
  expect(hostCommand({ ...mac, env: { VZSHELL_HOST_BINARY: path } })).toEqual([path]);
});

it('finds the platform package on a Mac', () => {
  const { from, binary } = installation();
  expect(findExecutable({ ...mac, from })).toBe(binary);
});

it.each([
  [
    'a relative path',
    { ...mac, env: { VZSHELL_HOST_BINARY: 'vzshell' } },
    'ERR_HOST_BINARY',
    /absolute path, got 'vzshell'/,
  ],
  [
    'a path that is not there',
    { ...mac, env: { VZSHELL_HOST_BINARY: '/nowhere/vzshell' } },
    'ERR_HOST_BINARY',
    /no such file/,
  ],
  ['a missing package', { ...mac, from: pathToFileURL('/nowhere/index.js').href }, 'ERR_HOST_BINARY', /is missing/],
  [
    'an Intel node',
    { ...mac, arch: 'x64', from: pathToFileURL('/nowhere/index.js').href },
    'ERR_UNSUPPORTED_HOST',
    /this node is for x64/,
  ],
])('says what is wrong and what to do: %s', (_, request, code, message) => {
  const error = failure(() => findExecutable(request));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
});
