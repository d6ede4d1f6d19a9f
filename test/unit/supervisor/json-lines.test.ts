import { expect, test } from 'vitest';
import { JsonLines } from '../../../src/supervisor/json-lines.ts';

const values = [{ type: 'ready' }, { text: 'zwei ü\nlines' }, [1, 2]];
const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));

test('lines come out whole, however the bytes are cut', () => {
  for (let size = 1; size <= bytes.length; size += 1) {
    const lines = new JsonLines(100);
    const out: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) out.push(...lines.push(bytes.subarray(at, at + size)));
    expect(out).toEqual(values);
  }
});

test('a line over the limit is refused before it is whole', () => {
  const lines = new JsonLines(100);
  expect(lines.push(Buffer.alloc(100, 'x'))).toEqual([]);
  expect(() => lines.push(Buffer.from('x'))).toThrow('a line is over 100 bytes long');
});

test('what is no JSON is refused', () => {
  expect(() => new JsonLines(100).push(Buffer.from('hello\n'))).toThrow(SyntaxError);
});
