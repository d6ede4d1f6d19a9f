import { expect, test } from 'vitest';
import { templateWords } from '../../../src/vm/template.ts';
import type { TemplateValue } from '../../../src/vm/types.ts';

const words = (strings: TemplateStringsArray, ...values: readonly TemplateValue[]): string[] =>
  templateWords(strings, values);
const files = ['a b', 'c'];

test.each([
  ['text is split at white space', words`ls  -l\t/tmp\n `, ['ls', '-l', '/tmp']],
  ['a value is one argument', words`echo ${'a b'} ${''} ${'$(reboot)'}`, ['echo', 'a b', '', '$(reboot)']],
  ['a number too', words`sleep ${0.5}`, ['sleep', '0.5']],
  ['a value is glued to the text that it touches', words`--file=${'a b'}.txt x${1}${2}y`, ['--file=a b.txt', 'x12y']],
  ['an array is one argument an item', words`cat ${files} end`, ['cat', 'a b', 'c', 'end']],
  ['the first and last item are glued', words`cat x${files}y`, ['cat', 'xa b', 'cy']],
  ['an empty array is nothing', words`cat ${[]} end`, ['cat', 'end']],
  ['quotes mean nothing', words`echo "a b" 'c'`, ['echo', '"a', 'b"', "'c'"]],
  ['a value may be the program', words`${'/opt/my tool'} --help`, ['/opt/my tool', '--help']],
])('%s', (_name, got, expected) => {
  expect(got).toEqual(expected);
});

test.each([
  ['nothing', () => words`  `],
  ['undefined', () => words`echo ${undefined as unknown as string}`],
  ['an object', () => words`echo ${{} as unknown as string}`],
  ['a nested array', () => words`echo ${[['a']] as unknown as string[]}`],
  ['an escape that means nothing', () => words`echo \u{}`],
])('%s is an error', (_name, build) => {
  expect(build).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
});
