// What a guest says of its store, and what is built in it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecResult, Vm } from 'vzshell';

/** Where the volume's layer is. */
export const UPPER = '/nix/.l/vol/store';

/** The same output as that of a path of the host, with a builder that cannot run: it is there, or there is an error. */
export function fixedOutput(name: string, hash: string): string {
  return `derivation {
    name = "${name}"; system = builtins.currentSystem; builder = "/is-not-there";
    outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = "${hash}";
  }`;
}

/** A flake whose dev shell has this package and the image's own. */
export function writeFlake(directory: string, output: string): void {
  writeFileSync(
    join(directory, 'flake.nix'),
    `{
  inputs.nixpkgs.url = "path:/etc/vzshell/pkgs";
  outputs = { nixpkgs, ... }: {
    devShells.aarch64-linux.default = nixpkgs.legacyPackages.aarch64-linux.mkShell {
      packages = [ (${output.replace('builtins.currentSystem', '"aarch64-linux"')}) ];
    };
  };
}
`,
  );
}

/** Builds \`expression\`, which may use \`pkgs\`, and gives its path. */
export async function build(vm: Vm, expression: string): Promise<string> {
  const { stdout } = await vm.exec('nix', buildArguments(expression));
  return stdout.trim();
}

export function buildArguments(expression: string): string[] {
  const whole = `let pkgs = import /etc/vzshell/pkgs { system = builtins.currentSystem; }; in ${expression}`;
  return ['build', '--offline', '--impure', '--print-out-paths', '-L', '--no-link', '--expr', whole];
}

/** Whether the guest's Nix believes in a path. */
export async function isValid(vm: Vm, path: string): Promise<boolean> {
  return (await vm.exec('nix-store', ['--check-validity', path], { reject: false })).exitCode === 0;
}

/** Whiteouts of the volume's layer: paths of lower layers that the guest has deleted. */
export async function whiteouts(vm: Vm): Promise<string[]> {
  const { stdout } = await vm.exec('find', [UPPER, '-xdev', '-type', 'c'], { user: 'root' });
  return stdout.split('\n').filter((line) => line !== '');
}

export function root(vm: Vm, script: string): Promise<ExecResult> {
  return vm.sh(script, { user: 'root', reject: false });
}

export async function exists(vm: Vm, path: string): Promise<boolean> {
  return (await vm.exec('test', ['-e', path], { reject: false })).exitCode === 0;
}
