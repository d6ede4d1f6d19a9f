import { describe, expect, test } from 'vitest';
import {
  decodeConfigured,
  decodeDirectory,
  decodeError,
  decodeEvent,
  decodeExecExit,
  decodeHello,
  decodePorts,
  decodeStarted,
  decodeStat,
  decodeStats,
  parseObject,
} from '../../../src/agent/decode.ts';
import { refusal } from '../../../src/agent/errors.ts';
import { escapeForTerminal, escapeLine } from '../../../src/agent/escape.ts';
import { ProtocolError } from '../../../src/agent/protocol.ts';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const STAT = { type: 'file', size: 3, mode: 0o644, uid: 0, gid: 0, mtimeMs: 1.5, nlink: 1, ino: 9 };
const STATS = {
  ...{ uptimeMs: 1, load1: 0, processes: 1, streams: 0, volume: null },
  memory: { totalBytes: 2, availableBytes: 1 },
};
const HELLO = { event: 'hello', protocol: 1, version: '0.1.0', arch: 'arm64', bootMs: 900 };

describe('what is right is taken, and nothing else with it', () => {
  test.each([
    ['started', () => decodeStarted(json({ pid: 7, extra: 1 })), { pid: 7, type: null, size: null }],
    ['started, a file', () => decodeStarted(json({ size: 0 })), { pid: null, type: null, size: 0 }],
    [
      'exit',
      () => decodeExecExit(json({ code: 3, signal: null, timedOut: false })),
      { code: 3, signal: null, timedOut: false },
    ],
    [
      'exit by a signal',
      () => decodeExecExit(json({ code: null, signal: 'SIGKILL', timedOut: true })),
      { code: null, signal: 'SIGKILL', timedOut: true },
    ],
    ['stat', () => decodeStat({ ...STAT, extra: 1 }), STAT],
    ['event', () => decodeEvent(json({ ...HELLO, extra: 1 })), HELLO],
    [
      'phase',
      () => decodeEvent(json({ event: 'phase', phase: 'ready', uptimeMs: 1 })),
      { event: 'phase', phase: 'ready', uptimeMs: 1 },
    ],
    [
      'names that are not UTF-8',
      () => decodeDirectory({ entries: [{ nameBase64: Buffer.of(0x61, 0xff).toString('base64'), type: 'file' }] }),
      [{ name: 'a\ufffd', nameBytes: Buffer.of(0x61, 0xff), type: 'file' }],
    ],
  ])('%s', (_name, decode, expected) => {
    expect(decode()).toEqual(expected);
  });
});

describe('what is wrong is a violation', () => {
  test.each<[string, () => unknown]>([
    ['no JSON', () => parseObject(Buffer.from('{'), 'it')],
    ['a list', () => parseObject(Buffer.from('[]'), 'it')],
    ['null', () => parseObject(Buffer.from('null'), 'it')],
    ['deep nesting', () => parseObject(Buffer.from('['.repeat(60_000)), 'it')],
    ['a pid of 0', () => decodeStarted(json({ pid: 0 }))],
    ['a pid that is text', () => decodeStarted(json({ pid: '7' }))],
    ['an exit without code and signal', () => decodeExecExit(json({ code: null, signal: null, timedOut: false }))],
    ['an exit with both', () => decodeExecExit(json({ code: 1, signal: 'SIGTERM', timedOut: false }))],
    ['an exit code over 255', () => decodeExecExit(json({ code: 256, signal: null, timedOut: false }))],
    ['a signal that is none', () => decodeExecExit(json({ code: null, signal: 'SIG\u001b[2J', timedOut: false }))],
    ['a missing field', () => decodeExecExit(json({ code: 1, signal: null }))],
    ['a field of the prototype', () => decodeError({ code: 'x', message: 1 })],
    ['an error code that is no word', () => decodeError({ code: 'a b', message: 'x' })],
    ['a message of a megabyte', () => decodeError({ code: 'x', message: 'x'.repeat(1e6) })],
    ['a negative size', () => decodeStat({ ...STAT, size: -1 })],
    ['a size of NaN', () => decodeStat({ ...STAT, size: Number.NaN })],
    ['a mode with file type bits', () => decodeStat({ ...STAT, mode: 0o100644 })],
    ['an unknown file type', () => decodeStat({ ...STAT, type: 'door' })],
    [
      'an unknown architecture',
      () => decodeHello({ ...HELLO, kernel: '6', uptimeMs: 1, configured: true, arch: 'm68k' }),
    ],
    ['a trim to less than nothing', () => decodeEvent(json({ event: 'trimmed', before: 5, after: -1 }))],
    ['a trim to half an inode', () => decodeEvent(json({ event: 'trimmed', before: 5, after: 0.5 }))],
    ['an unknown event', () => decodeEvent(json({ event: 'format-disk' }))],
    ['a home that is relative', () => decodeConfigured({ uptimeMs: 1, nixVersion: '2.31', home: 'home' })],
    ['a port of 0', () => decodePorts({ ports: [{ port: 0, address: '0.0.0.0', protocol: 'tcp' }] })],
    ['stats with inodes that are no number', () => decodeStats({ ...STATS, shareInodes: '5' })],
    ['stats without memory', () => decodeStats({ uptimeMs: 1, load1: 0, processes: 1, streams: 0, volume: null })],
    ...['', '.', '..', 'a/b', '/etc/passwd', 'a\0b', 'x'.repeat(256)].map((name): [string, () => unknown] => [
      `a file name ${JSON.stringify(name.slice(0, 12))}`,
      () => decodeDirectory({ entries: [{ name, type: 'file' }] }),
    ]),
    ['an encoded name with a slash', () => decodeDirectory({ entries: [{ nameBase64: 'Li4vYQ==', type: 'file' }] })],
  ])('%s', (_name, decode) => {
    expect(decode).toThrow(ProtocolError);
  });
});

test('an agent that does not count inodes of shares says null, or nothing', () => {
  expect(decodeStats(STATS).shareInodes).toBeNull();
  expect(decodeStats({ ...STATS, shareInodes: null }).shareInodes).toBeNull();
  expect(decodeStats({ ...STATS, shareInodes: 5103 }).shareInodes).toBe(5103);
});

describe('nothing of the guest moves a cursor', () => {
  test.each([
    ['\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
    ['\u009b31m red', '\\x9b31m red'],
    ['over\rwritten', 'over\\x0dwritten'],
    ['line\r\nline\n\ttab', 'line\nline\n\ttab'],
    ['file\u202egnp.exe', 'file\\u202egnp.exe'],
    ['ü 🦊 日本', 'ü 🦊 日本'],
  ])('%j', (text, shown) => {
    expect(escapeForTerminal(text)).toBe(shown);
  });

  test('a message is one line, and not a long one', () => {
    expect(escapeLine('a\nb\tc')).toBe('a b c');
    expect(escapeLine('x'.repeat(5000))).toHaveLength(1001);
  });

  test('a refusal carries the escaped message and a code by what was asked', () => {
    const message = 'no \u001b[31mprogram';
    expect(refusal('exec', 'not-found', message)).toMatchObject({
      code: 'ERR_EXEC',
      message: 'no \\x1b[31mprogram',
      details: { reason: 'not-found' },
    });
    expect(refusal('fs', 'ENOENT', 'x')).toMatchObject({ code: 'ERR_GUEST_FS', details: { errno: 'ENOENT' } });
    expect(refusal('connect', 'refused', 'x')).toMatchObject({ code: 'ERR_NOT_FOUND', details: { reason: 'refused' } });
    expect(refusal('request', 'protocol', 'x')).toMatchObject({ code: 'ERR_PROTOCOL' });
    expect(refusal('exec', 'not-configured', 'x')).toMatchObject({ code: 'ERR_INVALID_STATE' });
    expect(refusal('exec', 'internal', 'x')).toMatchObject({ code: 'ERR_AGENT' });
  });
});
