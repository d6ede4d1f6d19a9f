// The NixOS guest in nixpkgs' own module system, as far as nixpkgs' lib alone allows: VZSHELL_NIXPKGS_LIB names a copy of that directory.
// The options of NixOS come from stand-in/options.nix; that the real ones are the same, and that the image is built and boots, is shown by
// .github/workflows/guest.yml.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/image/manifest.ts';
import { type Lab, NIXPKGS_LIB, openLab, ROOT } from './nix.ts';

if (NIXPKGS_LIB === undefined)
  console.warn(
    'NOT RUN: evaluation of guest/nixos. VZSHELL_NIXPKGS_LIB does not name a copy of the directory lib of nixpkgs.',
  );

describe.skipIf(NIXPKGS_LIB === undefined)('guest/nixos', () => {
  let lab: Lab;
  beforeAll(() => {
    lab = openLab(NIXPKGS_LIB as string);
  }, 120_000);
  afterAll(() => lab?.close());

  /** `apply` on the configuration of a guest with these modules. */
  const guest = (modules: string, apply: string): unknown =>
    lab.evaluate(
      'lib.mkGuest',
      `mkGuest: (${apply}) (mkGuest { system = "x86_64-linux"; modules = [ ${modules} ]; }).config`,
    );
  const refusal = (modules: string): string => {
    try {
      return `was accepted: ${JSON.stringify(guest(modules, 'c: c.system.build.vzshell.image.drvPath'))}`;
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('the whole flake is checked', () => {
    const { status, stderr } = lab.run(
      'nix',
      'flake',
      'check',
      ...lab.options,
      '--no-build',
      '--all-systems',
      `path:${lab.flake}`,
    );
    expect(status, stderr).toBe(0);
  }, 120_000);

  test.each([
    ['guest', 'arm64', 'aarch64-linux', 'agent'],
    ['guest-x86_64', 'x86_64', 'x86_64-linux', 'agent'],
    ['guest-systemd', 'arm64', 'aarch64-linux', 'systemd'],
  ])('the manifest of %s is one that vzshell reads', (name, arch, system, profile) => {
    const base = JSON.parse(
      lab.evaluate(`nixosConfigurations.${name}.config.system.build.vzshell.image.manifest`) as string,
    );
    const file = (called: string): object => ({ file: called, sha256: '0'.repeat(64), size: 1 });
    const whole = {
      ...base,
      kernel: file('kernel'),
      initrd: file('initrd'),
      root: { ...file('root.erofs'), type: 'erofs' },
      store: file('store.sqlite'),
    };
    const manifest = parseManifest(JSON.stringify(whole), name);
    expect(manifest).toMatchObject({ arch, system, builder: { profile } });
    expect(manifest.cmdline.split(' ').includes('vzshell.init=systemd')).toBe(profile === 'systemd');
  });

  test('nix.conf says what that of the Debian-assembled image says', () => {
    const settings = guest('', 'c: c.nix.settings') as Record<string, unknown>;
    const text = readFileSync(join(ROOT, 'guest/debian/tree/etc/nix/nix.conf'), 'utf8');
    const lines = text.split('\n').filter((line) => line !== '' && !/^[#!]/.test(line));
    const debian = Object.fromEntries(
      lines.map((line) => line.split('=').map((part) => part.trim()) as [string, string]),
    );
    const words = (value: unknown): string => (Array.isArray(value) ? value.join(' ') : String(value));
    expect(Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, words(value)]))).toEqual(debian);
    expect(guest('', 'c: c.nix.extraOptions')).toContain('!include /run/vzshell/nix.conf');
  });

  test('the accounts are whole: everybody has a number, a group that exists, and no name twice', () => {
    const of = (file: string): string[][] =>
      (guest('', `c: c.system.build.vzshellAccounts.${file}.text`) as string)
        .trim()
        .split('\n')
        .map((line) => line.split(':'));
    const [passwd, group, shadow] = [of('passwd'), of('group'), of('shadow')];
    expect(passwd[0]?.slice(0, 4)).toEqual(['root', 'x', '0', '0']);
    for (const [name, , uid, gid, , , shell] of passwd) {
      expect(Number(uid), name).toBeGreaterThanOrEqual(0);
      expect(
        group.some((entry) => entry[2] === gid),
        `${name}'s group ${gid}`,
      ).toBe(true);
      expect(shell, name).toMatch(/^\//);
    }
    expect(new Set(passwd.map(([name]) => name)).size).toBe(passwd.length);
    expect(new Set(passwd.map(([, , uid]) => uid)).size).toBe(passwd.length);
    expect(new Set(group.map(([, , gid]) => gid)).size).toBe(group.length);
    expect(group.find(([name]) => name === 'nixbld')?.[3]?.split(',')).toHaveLength(10);
    expect(group.map(([name]) => name)).toContain('sudo');
    expect(shadow.every(([, password]) => password === '*')).toBe(true);
    expect(shadow.map(([name]) => name)).toEqual(passwd.map(([name]) => name));
  });

  test('the root has every name of the contract, and each leads into the store or out of the image', () => {
    const links = guest('', 'c: c.system.build.vzshellLinks') as Record<string, string>;
    const contract = readFileSync(join(ROOT, 'guest/CONTRACT.md'), 'utf8');
    const promised = /- The root has (.*?) \(files or\s+links\)/s.exec(contract)?.[1]?.match(/\/[a-z0-9/-]+/g) ?? [];
    expect(promised.length).toBeGreaterThan(6);
    for (const name of promised) expect(links[name], name).toMatch(/^\/nix\/store\//);
    expect(links['/etc/resolv.conf']).toBe('/run/resolv.conf');
  });

  test("a guest of one's own is another root, with the kernel and the initrd of the released one", () => {
    const parts =
      'c: { kernel = c.system.build.vzshell.kernel.drvPath; initrd = c.system.build.vzshell.initrd.drvPath; root = c.system.build.vzshell.root.drvPath; }';
    const base = guest('', parts) as Record<string, string>;
    const own = guest('({ pkgs, ... }: { environment.systemPackages = [ pkgs.ripgrep ]; })', parts) as Record<
      string,
      string
    >;
    expect({ ...own, root: '' }).toEqual({ ...base, root: '' });
    expect(own.root).not.toBe(base.root);
    expect(guest('', parts)).toEqual(base);
  });

  test.each([
    [
      'an unknown option',
      '{ virtualisation.vzshell.profil = "agent"; }',
      /option `virtualisation\.vzshell\.profil' does not exist/,
    ],
    [
      'a profile that there is not',
      '{ virtualisation.vzshell.profile = "openrc"; }',
      /profile.*is not of type `one of "agent", "systemd"'/s,
    ],
    [
      'two words where one is meant',
      '{ virtualisation.vzshell.kernelParams = [ "a b" ]; }',
      /kernelParams.*is not of type/s,
    ],
    [
      'a compression that erofs has not',
      '{ virtualisation.vzshell.compression = "brotli"; }',
      /compression.*is not of type/s,
    ],
    [
      'a branch for a commit',
      '{ virtualisation.vzshell.nixpkgsRevision = "main"; }',
      /nixpkgsRevision.*is not of type/s,
    ],
  ])('%s is refused, by name', (_, modules, message) => {
    expect(refusal(modules)).toMatch(message);
  });

  test('what would break the guest is an assertion with a reason', () => {
    const broken = guest(
      '({ lib, ... }: { boot.kernel.enable = false; systemd.sockets.nix-daemon.enable = lib.mkForce true; })',
      'c: map (a: a.message) (builtins.filter (a: !a.assertion) c.assertions)',
    );
    expect(broken).toEqual([
      expect.stringMatching(/boot\.kernel\.enable/),
      expect.stringMatching(/nix-daemon's place/),
    ]);
    expect(guest('', 'c: builtins.filter (a: !a.assertion) c.assertions')).toEqual([]);
  });

  test.each([
    ['devshell', 'devShells.aarch64-linux.default.name', 'shell'],
    ['node', 'devShells.x86_64-linux.default.name', 'shell'],
    ['guest', 'packages.aarch64-linux.default.name', 'vzshell-guest-arm64'],
  ])('the template %s evaluates', (name, attribute, value) => {
    const inputs = name === 'guest' ? ['--override-input', 'vzshell', `path:${lab.flake}`] : [];
    const options = lab.options.map((option) =>
      name === 'guest' && option === 'nixpkgs' ? 'vzshell/nixpkgs' : option,
    );
    const said = lab.run(
      'nix',
      'eval',
      ...options,
      ...inputs,
      '--raw',
      `path:${join(lab.flake, 'templates', name)}#${attribute}`,
    );
    expect(said.stdout, said.stderr).toBe(value);
  });

  test('packages come from a registry, with the integrity of the lock', () => {
    const without = lab.evaluate(
      'packages.x86_64-linux.vzshell.npmDeps.packageLock.packages',
      'p: builtins.filter (n: p.${n} ? integrity && !(p.${n} ? resolved)) (builtins.attrNames p)',
    );
    expect(without).toEqual([]);
  });
});
