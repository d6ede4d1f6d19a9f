import { describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../../src/nix/environment.ts';
import { outputPaths } from '../../../src/nix/outputs.ts';

const print = (variables: object, bashFunctions: object = {}, more: object = {}) =>
  JSON.stringify({ variables, bashFunctions, ...more });

describe('what nix print-dev-env prints', () => {
  it('is taken over by type, unknown types left out', () => {
    const { variables, functions, structuredAttrs } = parseEnvironment(
      print(
        {
          a: { type: 'exported', value: '1' },
          b: { type: 'var', value: '' },
          c: { type: 'array', value: ['x', ''] },
          d: { type: 'associative', value: { k: 'v', __proto__x: 'y' } },
          e: { type: 'unknown' },
        },
        { f: ' echo\n' },
      ),
    );
    expect([...variables.keys()]).toEqual(['a', 'b', 'c', 'd']);
    expect(variables.get('d')).toEqual({
      type: 'associative',
      value: [
        ['k', 'v'],
        ['__proto__x', 'y'],
      ],
    });
    expect(functions.get('f')).toBe(' echo\n');
    expect(structuredAttrs).toBeNull();
  });

  it.each([
    ['no JSON', '', 'did not print JSON'],
    ['a list', '[]', 'no object for the environment'],
    ['no variables', '{"bashFunctions":{}}', 'no object for variables'],
    ['a name that would run', print({ 'x;reboot': { type: 'var', value: '' } }), 'a variable called "x;reboot"'],
    ['a function that would run', print({}, { 'f() { :; }; reboot; g': '' }), 'a function called'],
    ['a number', print({ a: { type: 'var', value: 1 } }), 'no text in a'],
    ['a NUL', print({ a: { type: 'var', value: 'x\0y' } }), 'a NUL in a'],
    ['a new type', print({ a: { type: 'integer', value: '1' } }), 'a variable of type "integer"'],
    ['a list of numbers', print({ a: { type: 'array', value: [1] } }), 'no text in a'],
  ])('is refused when it is %s', (_, text, message) => {
    expect(() => parseEnvironment(text)).toThrowError(
      expect.objectContaining({ code: 'ERR_NIX', message: expect.stringContaining(message) }),
    );
  });
});

it.each([
  ['a list of words', { outputs: { type: 'exported', value: ' out  dev ' } }],
  ['an array', { outputs: { type: 'array', value: ['out', 'dev'] } }],
])('outputs are found in %s', (_, outputs) => {
  const paths = { out: { type: 'exported', value: '/nix/store/o' }, dev: { type: 'var', value: '/nix/store/d' } };
  expect(outputPaths(parseEnvironment(print({ ...outputs, ...paths })))).toEqual([
    { from: '/nix/store/o', output: 'out' },
    { from: '/nix/store/d', output: 'dev' },
  ]);
});
