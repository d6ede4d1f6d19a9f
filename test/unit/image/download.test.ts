import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { download } from '../../../src/image/download.ts';
import { Network } from '../../../src/image/network.ts';
import { PIECE } from '../../../src/image/partial.ts';
import type { Wanted } from '../../../src/image/transfer.ts';
import { noise, TestHost } from './host.fixture.ts';
import { sha256, TestRegistry } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const FILE = noise(3 * PIECE + 12_345);

/** Its last piece is asked for when at least two others are there whole, for no more than four are on their way. */
const LONG = noise(5 * PIECE + 12_345);

function wantedOf(url: string, change: Partial<Wanted> = {}): Wanted {
  const integrity = { algorithm: 'sha256', hex: sha256(change.size === LONG.length ? LONG : FILE) } as const;
  return { url, name: 'a file', integrity, size: null, limit: 1e9, ...change };
}

/** Where a download is put, and what is left there. */
function place(host: TestHost): string {
  return join(host.images, 'downloads');
}

test('a server that gives ranges is asked for several at once, and progress goes up to the end', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const url = server.serve('file', FILE);
  const progress: number[] = [];
  const path = await download(await Network.open(host.env), wantedOf(url), place(host), {
    onProgress: ({ received, total }) => {
      expect(total).toBe(FILE.length);
      progress.push(received);
    },
  });
  expect(readFileSync(path).equals(FILE)).toBe(true);
  expect(server.fetched.map(({ range }) => range).sort()).toHaveLength(4);
  expect(server.atOnce.most).toBeGreaterThan(1);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(progress.at(-1)).toBe(FILE.length);
});

test('a server that gives no ranges sends it all in one', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const url = server.serve('file', FILE, false);
  const path = await download(await Network.open(host.env), wantedOf(url), place(host));
  expect(readFileSync(path).equals(FILE)).toBe(true);
  expect(server.fetched).toHaveLength(1);
});

test('an interrupted download goes on where it stopped', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const url = server.serve('file', LONG);
  const wanted = wantedOf(url, { size: LONG.length });
  const network = await Network.open(host.env);
  const last = `bytes=${5 * PIECE}-`;
  server.misbehave = (request, response) => {
    if (!request.headers.range?.startsWith(last)) return false;
    response.statusCode = 503;
    response.end();
    return true;
  };
  await expect(download(network, wanted, place(host))).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: `the server of ${url} failed: HTTP 503`,
    details: { reason: 'server', status: 503 },
  });
  server.misbehave = () => false;
  server.seen.length = 0;
  const path = await download(network, wanted, place(host));
  expect(readFileSync(path).equals(LONG)).toBe(true);
  const again = server.fetched.map(({ range }) => range);
  // Where it is the only one that is missing, its end is not known yet when it is asked for.
  expect(again.filter((range) => range?.startsWith(last))).toHaveLength(1);
  expect(again.length).toBeLessThanOrEqual(4);
});

test('an abort stops it, and what was whole is used the next time', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const url = server.serve('file', LONG);
  const wanted = wantedOf(url, { size: LONG.length });
  const network = await Network.open(host.env);
  const stop = new AbortController();
  server.misbehave = (request) => {
    if (!request.headers.range?.startsWith(`bytes=${5 * PIECE}-`)) return false;
    // Never answered: only the abort can end it.
    stop.abort(new Error('enough'));
    return true;
  };
  await expect(download(network, wanted, place(host), { signal: stop.signal })).rejects.toThrow('enough');
  server.misbehave = () => false;
  server.seen.length = 0;
  expect(readFileSync(await download(network, wanted, place(host))).equals(LONG)).toBe(true);
  expect(server.fetched.length).toBeLessThan(6);
});

test('a connection that breaks in the middle of a piece is taken up there', async () => {
  using host = new TestHost();
  host.npmrc(['fetch-retries=2']);
  await using server = await TestRegistry.start();
  const url = server.serve('file', FILE);
  let broken = false;
  server.misbehave = (request, response) => {
    if (broken || !request.headers.range?.startsWith(`bytes=${PIECE}-`)) return false;
    broken = true;
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${PIECE}-${2 * PIECE - 1}/${FILE.length}`);
    response.setHeader('content-length', PIECE);
    response.write(FILE.subarray(PIECE, PIECE + 100_000), () => response.destroy());
    return true;
  };
  const path = await download(await Network.open(host.env), wantedOf(url), place(host));
  expect(readFileSync(path).equals(FILE)).toBe(true);
  const starts = server.fetched.map(({ range }) => Number(/=(\d+)/.exec(range ?? '')?.[1]));
  expect(starts.some((start) => start > PIECE && start <= PIECE + 100_000)).toBe(true);
});

test('one stream that breaks is begun again, and given up when it goes on so', async () => {
  using host = new TestHost();
  host.npmrc(['fetch-retries=1']);
  await using server = await TestRegistry.start();
  const url = server.serve('file', FILE, false);
  let times = 1;
  server.misbehave = (_, response) => {
    if (times-- <= 0) return false;
    response.setHeader('content-length', FILE.length);
    response.write(FILE.subarray(0, 1000), () => response.destroy());
    return true;
  };
  const network = await Network.open(host.env);
  expect(readFileSync(await download(network, wantedOf(url), place(host))).equals(FILE)).toBe(true);
  times = Number.POSITIVE_INFINITY;
  const integrity = { algorithm: 'sha256', hex: '0'.repeat(64) } as const;
  await expect(download(network, wantedOf(url, { integrity }), place(host))).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    details: { reason: 'network' },
  });
});

test('the wrong bytes leave nothing, and are not taken for a resumed download gone wrong', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const wrong = Buffer.from(FILE);
  wrong[PIECE + 7] = (wrong[PIECE + 7] ?? 0) ^ 1;
  const url = server.serve('file', wrong);
  await expect(download(await Network.open(host.env), wantedOf(url), place(host))).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining('is not what it should be'),
    details: { reason: 'integrity', found: sha256(wrong), wanted: sha256(FILE) },
  });
  expect(host.left).toEqual(['downloads']);
  expect(server.fetched).toHaveLength(4);
});

test('a resumed download whose beginning is not the same file starts anew', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const url = server.serve('file', Buffer.from(LONG).reverse());
  const wanted = wantedOf(url, { size: LONG.length });
  const network = await Network.open(host.env);
  server.misbehave = (request, response) => {
    if (!request.headers.range?.startsWith(`bytes=${5 * PIECE}-`)) return false;
    response.statusCode = 500;
    response.end();
    return true;
  };
  await expect(download(network, wanted, place(host))).rejects.toMatchObject({ details: { status: 500 } });
  server.misbehave = () => false;
  server.seen.length = 0;
  server.serve('file', LONG);
  expect(readFileSync(await download(network, wanted, place(host))).equals(LONG)).toBe(true);
  expect(server.fetched.length).toBeGreaterThan(6);
});

test('a resumed download of a file that has another size now starts anew', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const url = server.serve('file', LONG);
  const network = await Network.open(host.env);
  server.misbehave = (request, response) => {
    if (!request.headers.range?.startsWith(`bytes=${5 * PIECE}-`)) return false;
    response.statusCode = 500;
    response.end();
    return true;
  };
  await expect(download(network, wantedOf(url), place(host))).rejects.toMatchObject({ details: { status: 500 } });
  server.misbehave = () => false;
  server.serve('file', FILE);
  expect(readFileSync(await download(network, wantedOf(url), place(host))).equals(FILE)).toBe(true);
});

test.each([
  ['more than an image may have', true, { limit: 1_000_000 }, 'too-big'],
  ['more than an image may have, in one stream', false, { limit: 1_000_000 }, 'too-big'],
  ['another size than is known', true, { size: 1000 }, 'integrity'],
  ['another size than is known, in one stream', false, { size: 1000 }, 'integrity'],
])('a file with %s is refused before it is fetched', async (_, ranges, change, reason) => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  const url = server.serve('file', FILE, ranges);
  const network = await Network.open(host.env);
  await expect(download(network, wantedOf(url, change), place(host))).rejects.toMatchObject({ details: { reason } });
  expect(host.left).toEqual(['downloads']);
});

test('an endless answer without a length ends at the limit', async () => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  server.misbehave = (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(FILE.subarray(0, 65_536)));
      response.once('drain', more);
    };
    more();
    return true;
  };
  const wanted = wantedOf(`${server.url}file`, { limit: 1_000_000 });
  await expect(download(await Network.open(host.env), wanted, place(host))).rejects.toMatchObject({
    details: { reason: 'too-big' },
  });
  expect(host.left).toEqual(['downloads']);
});

test.each([
  ['no Content-Range', {}],
  ['another range', { 'content-range': `bytes 5-${PIECE}/${FILE.length}` }],
  ['nonsense', { 'content-range': 'bytes */*' }],
])('a server that answers a range with %s is called broken', async (_, headers) => {
  using host = new TestHost();
  await using server = await TestRegistry.start();
  server.misbehave = (_request, response) => {
    response.writeHead(206, headers);
    response.end('x');
    return true;
  };
  const wanted = wantedOf(`${server.url}file`);
  await expect(download(await Network.open(host.env), wanted, place(host))).rejects.toMatchObject({
    message: expect.stringContaining('is broken'),
    details: { reason: 'server' },
  });
  expect(host.left).toEqual(['downloads']);
});
