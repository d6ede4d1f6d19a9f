import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Network } from '../../../src/image/network.ts';
import { TestHost } from './host.fixture.ts';
import { TestProxy } from './proxy.fixture.ts';
import { TestRegistry } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

let directory = '';
let tls: { readonly key: Buffer; readonly cert: Buffer };

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'vzshell-ca-'));
  const [key, cert] = ['key.pem', 'ca.pem'].map((name) => join(directory, name)) as [string, string];
  const subject = ['-subj', '/CN=a company', '-addext', 'subjectAltName=DNS:registry.test,IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  tls = { key: readFileSync(key), cert: readFileSync(cert) };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ca = (): string => `cafile=${join(directory, 'ca.pem')}`;

test("a certificate of the company's own is trusted when npm trusts it, and not otherwise", async () => {
  await using registry = await TestRegistry.start(tls);
  using host = new TestHost([ca()]);
  const url = registry.serve('file', Buffer.from('hello'));
  expect((await (await Network.open(host.env)).bytes(url, 100)).toString()).toBe('hello');
  host.npmrc([]);
  await expect((await Network.open(host.env)).bytes(url, 100)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    hint: expect.stringContaining('npm config set cafile'),
    details: { reason: 'certificate' },
  });
});

test('a proxy is gone through, for http and, as a tunnel, for https', async () => {
  await using plain = await TestRegistry.start();
  await using secure = await TestRegistry.start(tls);
  for (const registry of [plain, secure]) registry.serve('file', Buffer.from('hello'));
  await using forPlain = await TestProxy.start(plain.url);
  await using forSecure = await TestProxy.start(secure.url);
  using host = new TestHost();
  host.npmrc(['noproxy=', `proxy=${forPlain.url}`]);
  expect((await (await Network.open(host.env)).bytes('http://registry.test/file', 100)).toString()).toBe('hello');
  expect(forPlain.asked).toEqual(['http://registry.test/file']);
  host.npmrc(['noproxy=', `https-proxy=${forSecure.url}`, ca()]);
  expect((await (await Network.open(host.env)).bytes('https://registry.test/file', 100)).toString()).toBe('hello');
  expect(forSecure.asked).toEqual(['registry.test:443']);
});

test('a proxy that wants a password gets it, or the error says so', async () => {
  await using registry = await TestRegistry.start();
  registry.serve('file', Buffer.from('hello'));
  await using proxy = await TestProxy.start(registry.url, 'me:secret');
  using host = new TestHost();
  host.npmrc(['noproxy=', `proxy=${proxy.url}`]);
  await expect((await Network.open(host.env)).bytes('http://registry.test/file', 100)).rejects.toMatchObject({
    details: { reason: 'proxy', status: 407 },
  });
  host.npmrc(['noproxy=', `proxy=${proxy.url.replace('//', '//me:secret@')}`]);
  expect((await (await Network.open(host.env)).bytes('http://registry.test/file', 100)).toString()).toBe('hello');
});

test('a token goes to its own registry and not to where a tarball lies elsewhere', async () => {
  await using registry = await TestRegistry.start();
  await using elsewhere = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`, `//${new URL(registry.url).host}/:_authToken=secret`]);
  const network = await Network.open(host.env);
  await network.bytes(registry.serve('a', Buffer.from('x')), 100, { spec: 'a' });
  await network.bytes(elsewhere.serve('b', Buffer.from('x')), 100, { spec: 'a' });
  expect(registry.seen.map(({ authorization }) => authorization)).toEqual(['Bearer secret']);
  expect(elsewhere.seen.map(({ authorization }) => authorization)).toEqual([null]);
});

test('neither passwords nor queries of a URL are repeated', async () => {
  await using registry = await TestRegistry.start();
  using host = new TestHost();
  const url = `${registry.url.replace('//', '//me:hunter2@')}nothing?signature=hunter3`;
  const failed = (await Network.open(host.env)).bytes(url, 100);
  await expect(failed).rejects.toMatchObject({ details: { reason: 'not-found' } });
  await expect(failed).rejects.toThrow(expect.not.objectContaining({ message: expect.stringMatching(/hunter/) }));
});

test('a server that says nothing more is given up after the time that npm gives it', async () => {
  await using registry = await TestRegistry.start();
  registry.misbehave = (_, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('the beginning');
    return true;
  };
  using host = new TestHost(['fetch-timeout=300']);
  await expect((await Network.open(host.env)).bytes(`${registry.url}file`, 10_000)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    details: { reason: 'network' },
  });
});

test('an abort is its own reason', async () => {
  await using registry = await TestRegistry.start();
  registry.misbehave = () => true;
  using host = new TestHost();
  const network = await Network.open(host.env);
  const stop = new AbortController();
  const asked = network.bytes(`${registry.url}file`, 100, { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(asked).rejects.toThrow('enough');
});
