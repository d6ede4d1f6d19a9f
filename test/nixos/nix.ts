// What the tests of the flake share: the locked Nix that also builds the guest image, with a store of its own, and copies of the flake
// and of what stands in for nixpkgs.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** nixpkgs' `lib` directory; without it the modules cannot be evaluated. */
export const NIXPKGS_LIB: string | undefined = process.env.VZSHELL_NIXPKGS_LIB;

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Lab {
  /** The flake as `nix` is given it. */
  readonly flake: string;
  /** What a `nix` command that reads the flake is to be given: a store of the lab's own, and the lab's nixpkgs. */
  readonly options: readonly string[];
  /** Runs a program of the locked tools. */
  run(program: string, ...args: string[]): Said;
  /** `nix eval --json` of an attribute of the flake, or of what `apply` makes of it. */
  evaluate(attribute: string, apply?: string): unknown;
  close(): void;
}

/** What the flake is made of. */
const FLAKE = [
  'flake.nix',
  'guest',
  'templates',
  'src',
  'bin',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
].concat(['tsconfig.build.json', 'README.md', 'CHANGELOG.md', 'LICENSE']);

/** The `.nix` files of the repository. */
export function nixFiles(): string[] {
  const below = (directory: string): string[] =>
    readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.nix'))
      .map((name) => join(directory, name));
  return ['flake.nix', ...['examples', 'guest', 'templates', 'test'].flatMap(below)].sort();
}

/** A copy of the flake whose nixpkgs is the stand-in around `lib`, or nothing at all when that is null. */
export function openLab(lib: string | null): Lab {
  const tools = execFileSync(join(ROOT, 'test/nixos/tools.sh'), { encoding: 'utf8' }).trim();
  const home = mkdtempSync('/tmp/vzs-nix-');
  const flake = join(home, 'flake');
  const nixpkgs = join(home, 'nixpkgs');
  for (const name of FLAKE) cpSync(join(ROOT, name), join(flake, name), { recursive: true });
  if (lib === null) {
    mkdirSync(nixpkgs);
    writeFileSync(join(nixpkgs, 'flake.nix'), '{ outputs = _: { }; }\n');
  } else {
    cpSync(join(ROOT, 'test/nixos/stand-in'), nixpkgs, { recursive: true });
    cpSync(lib, join(nixpkgs, 'lib'), { recursive: true });
  }
  const run = (program: string, ...args: string[]): Said => {
    const { status, stdout, stderr } = spawnSync(join(tools, 'bin', program), args, {
      encoding: 'utf8',
      env: { ...process.env, XDG_CACHE_HOME: join(home, 'cache') },
      maxBuffer: 64 * 1024 ** 2,
    });
    return { status, stdout, stderr };
  };
  const options = [
    '--store',
    join(home, 'store'),
    '--override-input',
    'nixpkgs',
    `path:${nixpkgs}`,
    '--no-write-lock-file',
  ];
  const evaluate = (attribute: string, apply?: string): unknown => {
    const how = apply === undefined ? [] : ['--apply', apply];
    const said = run('nix', 'eval', ...options, '--json', `path:${flake}#${attribute}`, ...how);
    if (said.status !== 0) throw new Error(`nix eval ${attribute}: ${said.stderr}`);
    return JSON.parse(said.stdout);
  };
  const close = (): void => {
    execFileSync('chmod', ['-R', 'u+w', home]);
    rmSync(home, { recursive: true, force: true });
  };
  return { flake, options, run, evaluate, close };
}
