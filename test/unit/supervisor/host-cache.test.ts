import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { HostCache } from '../../../src/supervisor/host-cache.ts';
import { makeStore, path, sql } from '../nix/host-store/database.ts';
import { scratch } from '../state/scratch.ts';

let vsock: string;
let directory: string;
const HASH = '0'.repeat(32);

beforeEach(async () => {
  const root = scratch();
  const { store, database } = makeStore(root, { hello: ['libc'], libc: [] });
  // One path a hash, as in a real store.
  sql(database, `update ValidPaths set path = replace(path, '000-libc', '001-libc')`);
  directory = join(store, path('hello').slice('/nix/store/'.length));
  mkdirSync(directory);
  writeFileSync(join(directory, 'file'), 'contents\n');
  const size = execFileSync('nix-store', ['--dump', directory]).length;
  sql(database, `update ValidPaths set narSize = ${size}, sigs = 'a-1:xx b-1:yy', ca = 'fixed:r:sha256:zz'`);
  vsock = join(root, 'vsock.sock');
  const programs = { nixStore: '/usr/bin/nix-store', sqlite: '/usr/bin/sqlite3', caseHack: false };
  const cache = await HostCache.listen({ database, directory: store, ...programs }, vsock);
  onTestFinished(() => cache.close());
});

async function fetchFrom(url: string, method = 'GET'): Promise<{ status: number; body: Buffer; size: number }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request({ socketPath: `${vsock}_1026`, path: url, method, agent: false }, resolve).on(
      'error',
      reject,
    );
    asked.end();
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const size = Number(response.headers['content-length']);
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks), size };
}

test('a path is described as Nix wants it', async () => {
  expect(String((await fetchFrom('/nix-cache-info')).body)).toContain('StoreDir: /nix/store\n');
  const { status, body } = await fetchFrom(`/${HASH}.narinfo`);
  expect(status).toBe(200);
  expect(String(body).split('\n')).toEqual([
    `StorePath: ${path('hello')}`,
    `URL: nar/${HASH}.nar`,
    'Compression: none',
    'FileHash: sha256:hello',
    expect.stringMatching(/^FileSize: \d+$/),
    'NarHash: sha256:hello',
    expect.stringMatching(/^NarSize: \d+$/),
    `References: ${'0'.repeat(31)}1-libc`,
    'Sig: a-1:xx',
    'Sig: b-1:yy',
    'CA: fixed:r:sha256:zz',
    '',
  ]);
});

test("an archive is what Nix's own program writes", async () => {
  const { body, size } = await fetchFrom(`/nar/${HASH}.nar`);
  expect(body.equals(execFileSync('nix-store', ['--dump', directory]))).toBe(true);
  expect(size).toBe(body.length);
  expect(await fetchFrom(`/nar/${HASH}.nar`, 'HEAD')).toMatchObject({ status: 200 });
});

test.each([
  ['GET', `/${'1'.repeat(32)}.narinfo`, 404],
  ['GET', '/../../etc/passwd', 404],
  ['GET', `/nar/${HASH}/../../etc/passwd.nar`, 404],
  ['GET', `/nar/${HASH}'.nar`, 404],
  ['GET', `/${HASH}.narinfo?x`, 404],
  ['PUT', `/${HASH}.narinfo`, 405],
])('what is no path of the store is not served: %s %s', async (method, url, status) => {
  expect(await fetchFrom(url, method)).toMatchObject({ status });
});

test('a path that is in the database alone breaks off, and does not look whole', async () => {
  await expect(fetchFrom(`/nar/${'0'.repeat(31)}1.nar`)).rejects.toThrow();
  expect((await fetchFrom('/nix-cache-info')).status).toBe(200);
});

test('closing ends connections too', async () => {
  const root = scratch();
  const { store, database } = makeStore(root, {});
  const spec = { database, directory: store, nixStore: '', sqlite: '', caseHack: false };
  const cache = await HostCache.listen(spec, join(root, 's'));
  cache.close();
  await new Promise((resolve) => get({ socketPath: join(root, 's_1026'), path: '/' }).on('error', resolve));
});
