import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createJson, readJson, writeJson, writePassingJson } from '../../../src/state/json-file.ts';
import { scratch } from './scratch.ts';

interface File {
  readonly schema: 1;
  readonly text: string;
}

test('what is written is read again, and no temporary file stays', () => {
  const directory = scratch();
  const path = join(directory, 'a.json');
  writeJson(path, { schema: 1, text: 'erst' });
  writeJson(path, { schema: 1, text: 'zweitens ü' });
  expect(readJson<File>(path, 1)).toEqual({ schema: 1, text: 'zweitens ü' });
  expect(readdirSync(directory)).toEqual(['a.json']);
});

test('what is only passing is replaced in one step as well', () => {
  const directory = scratch();
  const path = join(directory, 'a.json');
  for (const text of ['first', 'second']) writePassingJson(path, { schema: 1, text });
  expect(readJson<File>(path, 1)).toEqual({ schema: 1, text: 'second' });
  expect(readdirSync(directory)).toEqual(['a.json']);
});

test('a missing file is null', () => {
  expect(readJson<File>(join(scratch(), 'none.json'), 1)).toBeNull();
});

test('createJson leaves what is there', () => {
  const path = join(scratch(), 'a.json');
  expect(createJson(path, { schema: 1, text: 'first' })).toBe(true);
  expect(createJson(path, { schema: 1, text: 'second' })).toBe(false);
  expect(readJson<File>(path, 1)?.text).toBe('first');
});

test.each([
  ['another schema', '{"schema": 7}', 'has schema 7, this version of vzshell knows 1'],
  ['no schema', '{}', 'has schema none'],
  ['half a file', '{"schema": 1, "te', 'is damaged'],
  ['an empty file', '', 'is damaged'],
  ['a list', '[1]', 'holds no JSON object'],
  ['null', 'null', 'holds no JSON object'],
  ['binary', '\u0000\u0001', 'is damaged'],
])('%s is a clear error that names the file', (_, text, message) => {
  const path = join(scratch(), 'a.json');
  writeFileSync(path, text);
  expect(() => readJson<File>(path, 1)).toThrow(message);
  expect(() => readJson<File>(path, 1)).toThrow(path);
});

test('a failed write leaves the old file and says why', () => {
  const directory = scratch();
  const path = join(directory, 'a.json');
  writeJson(path, { schema: 1, text: 'old' });
  expect(() => writeJson(join(directory, 'a.json', 'b.json'), { schema: 1 })).toThrow('a part of the path is a file');
  expect(readFileSync(path, 'utf8')).toContain('old');
});
