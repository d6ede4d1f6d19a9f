// What the tests of the flake share: the locked Nix that also builds the guest image, with a store of its own, and copies of the flake
// and of what stands in for nixpkgs.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** The `.nix` files of the repository. */
export function nixFiles(): string[] {
  return execFileSync('git', ['ls-files', '-z', '*.nix'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
}

/** A copy of the flake whose nixpkgs is the stand-in around `lib`, or nothing at all when that is null. */
export function openLab(lib: string | null): Lab {
  const tools = execFileSync(join(ROOT, 'test/nixos/tools.sh'), { encoding: 'utf8' }).trim();
  const home = mkdtempSync('/tmp/vzs-nix-');
  const flake = join(home, 'flake');
  const nixpkgs = join(home, 'nixpkgs');
  const tracked = execFileSync(
    'git',
    ['ls-files', '-z', 'flake.nix', 'guest', 'templates', 'src', 'bin', '*.json', '*.md', 'LICENSE'],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  for (const file of tracked.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(flake, file)), { recursive: true });
    cpSync(join(ROOT, file), join(flake, file));
  }
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
