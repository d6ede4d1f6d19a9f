import { expect, test } from 'vitest';
import { hintFor } from '../../../src/nix/evaluate.ts';

const mismatch = (path: string): string =>
  `error:\n       error: mismatch in field 'narHash' of input '{"narHash":"sha256-AAAA","path":"${path}","type":"path"}', got '{}'\n`;

test("a lock of another image's package set gets the command that mends it", () => {
  expect(hintFor(mismatch('/etc/vzshell/pkgs'))).toMatch(/another guest image.*\nvzshell --plain -- nix flake update$/);
});

test.each([
  ['another input that changed', mismatch('/home/alice/lib')],
  ['another error of that input', "error: attribute 'nope' missing in /etc/vzshell/pkgs/flake.nix"],
])('%s is Nix’s alone to explain', (_, stderr) => {
  expect(hintFor(stderr)).toBeNull();
});
