import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Network } from '../../../src/image/network.ts';
import { npmSettings } from '../../../src/image/npm-settings.ts';
import { TestHost } from './host.fixture.ts';

test("the user's .npmrc decides on registries, tokens, proxies and certificates", async () => {
  using host = new TestHost();
  const ca = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
  writeFileSync(join(host.top, 'ca.pem'), `${ca}\n`);
  host.npmrc([
    'registry=https://mirror.example/npm/',
    '@vzshell:registry=https://own.example/',
    '//own.example/:_authToken=${VZ_TOKEN}',
    'https-proxy=http://proxy.example:3128/',
    `cafile=${join(host.top, 'ca.pem')}`,
    'fetch-retries=5',
  ]);
  const settings = await npmSettings({ ...host.env, VZ_TOKEN: 'secret' });
  expect(settings).toMatchObject({
    registry: 'https://mirror.example/npm/',
    '@vzshell:registry': 'https://own.example/',
    '//own.example/:_authToken': 'secret',
    httpsProxy: 'http://proxy.example:3128/',
    ca: [expect.stringContaining('AAAA')],
    retry: { retries: 5 },
  });
  const network = await Network.open(host.env);
  expect(network.registry('@vzshell/guest-arm64')).toBe('https://own.example/');
  expect(network.registry('other')).toBe('https://mirror.example/npm/');
});

test('variables npm_config_… count, as they do for npm', async () => {
  using host = new TestHost(['registry=https://file.example/']);
  const env = { ...host.env, npm_config_registry: 'https://variable.example/' };
  expect(await npmSettings(env)).toMatchObject({ registry: 'https://variable.example/' });
});

test('without any settings it is the registry that npm itself has for that', async () => {
  using host = new TestHost();
  const npm = execFileSync('npm', ['config', 'get', 'registry'], {
    cwd: host.packageRoot,
    env: host.env,
    encoding: 'utf8',
  });
  expect(await npmSettings(host.env)).toMatchObject({ registry: npm.trim() });
});

test("a project's own .npmrc is not read, and no variable of this process is changed", async () => {
  using host = new TestHost();
  writeFileSync(join(host.packageRoot, '.npmrc'), 'registry=https://evil.example/${HOME}/\n');
  writeFileSync(join(host.packageRoot, 'package.json'), '{}');
  const before = { ...process.env };
  const directory = process.cwd();
  const spy = process.cwd;
  process.cwd = () => host.packageRoot;
  try {
    expect((await npmSettings(host.env)).registry).not.toMatch(/evil/);
  } finally {
    process.cwd = spy;
  }
  expect(process.cwd()).toBe(directory);
  expect(process.env).toEqual(before);
});
