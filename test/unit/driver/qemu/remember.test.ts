import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Memory } from '../../../../src/driver/qemu/remember.ts';
import { scratch } from '../scratch.ts';

it('remembers across processes, and leaves the keys of others', () => {
  const file = join(scratch(), 'state', 'probes.json');
  new Memory(file).remember('a', '1');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), images: { x: 1 } }));
  new Memory(file).remember('b', '2');
  expect(new Memory(file).recall('a')).toBe('1');
  expect(new Memory(file).recall('b')).toBe('2');
  expect(new Memory(file).recall('c')).toBeNull();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ schema: 1, images: { x: 1 } });
});

it('forgets the oldest answers first', () => {
  const memory = new Memory(join(scratch(), 'probes.json'));
  for (let index = 0; index < 40; index++) memory.remember(`key ${index}`, 'x');
  expect(memory.recall('key 0')).toBeNull();
  expect(memory.recall('key 39')).toBe('x');
});

it.each([
  ['damaged', '{"schema":1,'],
  ['of another schema', '{"schema":2}'],
])('does not touch a file that is %s', (_, text) => {
  const file = join(scratch(), 'probes.json');
  writeFileSync(file, text);
  const memory = new Memory(file);
  memory.remember('a', '1');
  expect(memory.recall('a')).toBeNull();
  expect(readFileSync(file, 'utf8')).toBe(text);
});

it('does without a place to write', () => {
  const file = '/proc/vzshell/probes.json';
  new Memory(file).remember('a', '1');
  expect(existsSync(file)).toBe(false);
});
