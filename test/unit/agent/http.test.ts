import { describe, expect, test } from 'vitest';
import { encodeRequest, type Response, ResponseParser, UPGRADE_REQUEST } from '../../../src/agent/http.ts';
import { ProtocolError } from '../../../src/agent/protocol.ts';
import { below, mutated, pieces, randomBytes, randomFrom } from './random.ts';

const answer = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
const PLAIN = answer('HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 13\n\n{"port":3000}');
const CHUNKED = answer('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;x=y\nhello\n7\n, world\n0\nTrailer: x\n\n');
const UPGRADE = Buffer.concat([
  answer('HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: vzshell-frames\n\n'),
  Buffer.from('0000000005', 'hex'),
]);
const REFUSAL = answer('HTTP/1.1 426 Upgrade Required\nContent-Length: 2\nConnection: close\n\n{}');
const UNTIL_CLOSE = answer('HTTP/1.1 500 Oops\nConnection: close\n\nwell');

function parse(chunks: readonly Buffer[]): Response | null {
  const parser = new ResponseParser();
  for (const chunk of chunks) {
    const response = parser.push(chunk);
    if (response !== null) return response;
  }
  return null;
}

describe('answers, in one piece and byte by byte', () => {
  test.each([
    ['with a length', PLAIN, 200, '{"port":3000}', ''],
    ['in chunks', CHUNKED, 200, 'hello, world', ''],
    ['an upgrade, with the first frame behind it', UPGRADE, 101, '', '0000000005'],
    ['a refusal', REFUSAL, 426, '{}', ''],
  ])('%s', (_name, bytes, status, body, rest) => {
    const whole = parse([bytes]);
    expect(whole).toMatchObject({ status });
    expect(whole?.body.toString()).toBe(body);
    expect(whole?.rest.toString('hex')).toBe(rest);
    const dribbled = parse(Array.from(bytes, (byte) => Buffer.of(byte)));
    expect(dribbled).toMatchObject({ status });
    expect(dribbled?.body.toString()).toBe(body);
  });

  test('without a length the body lasts until the connection closes', () => {
    const parser = new ResponseParser();
    expect(parser.push(UNTIL_CLOSE)).toBeNull();
    expect(parser.end()).toMatchObject({ status: 500, body: Buffer.from('well') });
  });
});

describe('what is no answer', () => {
  test.each([
    ['another protocol', answer('SSH-2.0-OpenSSH_9.2\n\n\n')],
    ['HTTP/2', answer('HTTP/2 200\n\n')],
    ['no status', answer('HTTP/1.1 2000 OK\n\n')],
    ['an interim answer', answer('HTTP/1.1 100 Continue\n\n')],
    ['an upgrade to something else', answer('HTTP/1.1 101 Yes\nUpgrade: websocket\n\n')],
    ['an upgrade to nothing', answer('HTTP/1.1 101 Yes\n\n')],
    ['a header without a colon', answer('HTTP/1.1 200 OK\nnonsense\n\n')],
    ['a folded header', answer('HTTP/1.1 200 OK\nA: b\n c: d\n\n')],
    ['two lengths', answer('HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2\n\nab')],
    ['a length and chunks', answer('HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n')],
    ['a negative length', answer('HTTP/1.1 200 OK\nContent-Length: -1\n\n')],
    ['a huge length', answer('HTTP/1.1 200 OK\nContent-Length: 99999999999\n\n')],
    ['an unknown encoding', answer('HTTP/1.1 200 OK\nTransfer-Encoding: gzip\n\n')],
    ['a chunk without a size', answer('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nhello\n')],
    ['a chunk that is too long', answer('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nabc\n')],
    ['a huge chunk', answer('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nffffffff\n')],
    ['a head without an end', Buffer.alloc(9000, 'a')],
    [
      'a trailer without an end',
      Buffer.concat([answer('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n'), Buffer.alloc(2000, 'a')]),
    ],
  ])('%s is a violation', (_name, bytes) => {
    expect(() => parse([bytes])).toThrow(ProtocolError);
  });

  test.each([
    ['a head', PLAIN.subarray(0, 20)],
    ['a body', PLAIN.subarray(0, PLAIN.length - 1)],
    ['chunks', CHUNKED.subarray(0, CHUNKED.length - 1)],
  ])('%s that ends in its middle', (_name, bytes) => {
    const parser = new ResponseParser();
    expect(parser.push(Buffer.from(bytes))).toBeNull();
    expect(() => parser.end()).toThrow(ProtocolError);
  });

  test('a body without an end is refused at its limit, in bounded memory', () => {
    const parser = new ResponseParser();
    parser.push(answer('HTTP/1.1 200 OK\n\n'));
    const chunk = Buffer.alloc(1024 * 1024);
    expect(() => {
      for (let megabytes = 0; megabytes < 100; megabytes += 1) parser.push(chunk);
    }).toThrow(/over 33554432 bytes/);
  });
});

test('whatever comes: an answer, waiting, or a ProtocolError', () => {
  const random = randomFrom(42);
  const seeds = [PLAIN, CHUNKED, UPGRADE, REFUSAL, UNTIL_CLOSE];
  const outcomes = { answers: 0, waiting: 0, violations: 0 };
  for (let round = 0; round < 5000; round += 1) {
    const seed = seeds[below(random, seeds.length)] as Buffer;
    const bytes = round % 10 === 0 ? randomBytes(random, below(random, 400)) : mutated(random, seed);
    try {
      outcomes[parse(pieces(random, bytes, 1 + below(random, 80))) === null ? 'waiting' : 'answers'] += 1;
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      outcomes.violations += 1;
    }
  }
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(300);
});

test('a request says its version, its length, and that the connection ends with it', () => {
  const text = encodeRequest('POST', '/v1/time', { unixMs: 1, name: 'ü' }).toString();
  expect(text).toBe(
    'POST /v1/time HTTP/1.1\r\nHost: guest\r\nVzshell-Protocol: 1\r\nContent-Type: application/json\r\n' +
      'Content-Length: 24\r\nConnection: close\r\n\r\n{"unixMs":1,"name":"ü"}',
  );
  expect(encodeRequest('GET', '/v1/hello').toString()).not.toMatch(/Content/);
  expect(UPGRADE_REQUEST.toString()).toMatch(
    /^GET \/v1\/stream HTTP\/1\.1\r\n[\s\S]*\r\nUpgrade: vzshell-frames\r\n\r\n$/,
  );
});
