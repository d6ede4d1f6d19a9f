import { expect, test } from 'vitest';
import { imageName, parseSource } from '../../../src/image/source.ts';

const PIN = 'a'.repeat(64);

test.each([
  ['npm:@vzshell/guest-arm64@0.1.0', { kind: 'npm', name: '@vzshell/guest-arm64', version: '0.1.0' }],
  ['npm:@vzshell/guest-arm64', { kind: 'npm', name: '@vzshell/guest-arm64', version: 'latest' }],
  ['npm:guest@next', { kind: 'npm', name: 'guest', version: 'next' }],
  ['https://h/p/manifest.json', { kind: 'url', url: 'https://h/p/manifest.json', sha256: null }],
  [`https://h/m.json#sha256=${PIN}`, { kind: 'url', url: 'https://h/m.json', sha256: PIN }],
  [`http://h/m.json#sha256=${PIN}`, { kind: 'url', sha256: PIN }],
  ['http://127.0.0.1:8080/m.json', { kind: 'url', sha256: null }],
  ['0123456789abcdef', { kind: 'id', id: '0123456789abcdef' }],
  ['/images/manifest.json', { kind: 'path', path: '/images/manifest.json' }],
  ['build/guest', { kind: 'path', path: 'build/guest' }],
])('%s', (text, source) => {
  expect(parseSource(text)).toMatchObject(source);
});

test.each([
  ['npm:', 'not the name of an npm package'],
  ['npm:../x', 'not the name of an npm package'],
  ['npm:Guest', 'not the name of an npm package'],
  ['npm:a@b@c', 'not the name of an npm package'],
  ['npm:a/b/c', 'not the name of an npm package'],
  ['npm:a@>=1', 'not the name of an npm package'],
  ['https://', "not the URL of a guest image's manifest"],
  ['https://h/m.json#sha256=12', "not the URL of a guest image's manifest"],
  ['https://h/m.json#other', "not the URL of a guest image's manifest"],
  ['http://h/m.json', 'could be changed by anybody on the way'],
])('%s is refused and quoted', (text, message) => {
  expect(() => parseSource(text)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
  expect(() => parseSource(text)).toThrow(`'${text}'`);
  expect(() => parseSource(text)).toThrow(message);
});

test('only a path counts from where it was written', () => {
  const absolute = (path: string): string => `/p/${path}`;
  expect(imageName('m.json', absolute)).toBe('/p/m.json');
  expect(imageName('npm:x', absolute)).toBe('npm:x');
  expect(imageName('https://h/m.json', absolute)).toBe('https://h/m.json');
  expect(imageName('0123456789abcdef', absolute)).toBe('0123456789abcdef');
});
