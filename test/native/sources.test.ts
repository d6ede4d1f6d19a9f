import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

function listed(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/#.*$/gm, '');
  return [...text.matchAll(/native\/src\/[\w/]+\.(?:cc|mm)/g)].map(([path]) => path);
}

const present = readdirSync(join(root, 'native/src'), { recursive: true })
  .map((name) => join('native/src', String(name)))
  .filter((name) => /\.(cc|mm)$/.test(name))
  .sort();

it.each(['binding.gyp', 'native/CMakeLists.txt'])('%s names every source of the addon, once', (file) => {
  expect(listed(file).sort()).toEqual(present);
});

it('the two halves do not see each other: no Node in an .mm, no framework in a .cc', () => {
  for (const source of present) {
    const text = readFileSync(join(root, source), 'utf8');
    const foreign = source.endsWith('.mm') ? /napi|node_api/i : /#import|Virtualization\.h|Foundation\.h/;
    expect(text, source).not.toMatch(foreign);
  }
});

it('the addon exports its entry for Node, and nothing of its own', () => {
  const symbols = execFileSync('nm', ['-D', '--defined-only', '-C', join(root, 'build/Release/vz.node')], {
    encoding: 'utf8',
  });
  expect(symbols).toMatch(/ napi_register_module_v1$/m);
  expect(symbols).not.toMatch(/ vzshell::/);
});
