import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { logTail, printable } from '../../../src/driver/tail.ts';
import { scratch } from './scratch.ts';

it('gives the last lines of a log', () => {
  const path = join(scratch(), 'log');
  writeFileSync(path, Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join(''));
  expect(logTail(path, 2)).toBe('line 4998\nline 4999');
});

it('goes on in the predecessor of a log that was just rotated', () => {
  const path = join(scratch(), 'log');
  writeFileSync(`${path}.1`, 'before\n');
  writeFileSync(path, 'after\n');
  expect(logTail(path)).toBe('before\nafter');
});

it('is empty when there is no log', () => {
  expect(logTail(join(scratch(), 'none'))).toBe('');
});

it('bounds a line', () => {
  const path = join(scratch(), 'log');
  writeFileSync(path, 'x'.repeat(10_000));
  expect(logTail(path)).toHaveLength(300);
});

it.each([
  ['colours', '\x1b[31mred\x1b[0m', 'red'],
  ['a title', '\x1b]0;title\x07text', 'text'],
  ['a title that never ends', 'a\x1b]0;titl', 'a'],
  ['a reset of the terminal', '\x1bctext', 'text'],
  ['cursor movement', 'a\x1b[2Jb\x1b[1;1Hc', 'abc'],
  ['eight-bit controls', 'a\u009b31mb', 'a31mb'],
  ['bells and NULs', 'a\x07\0b', 'ab'],
  ['carriage returns', 'one\r\ntwo\rthree', 'one\ntwothree'],
  ['text that runs backwards', 'a\u202eb', 'ab'],
])('takes out %s', (_, text, clean) => {
  expect(printable(text)).toBe(clean);
});
