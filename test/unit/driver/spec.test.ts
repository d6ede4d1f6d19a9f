import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../../src/driver/driver.ts';
import { probeKernel } from '../../../src/driver/qemu/kvm-probe.ts';
import { validateMachineSpec } from '../../../src/driver/spec.ts';
import { failure, scratch, validSpec } from './scratch.ts';

const MIB = 1024 * 1024;

describe('validateMachineSpec', () => {
  it.each(['arm64', 'x86_64'] as const)('takes a complete spec (%s)', (arch) => {
    expect(() => validateMachineSpec(validSpec(scratch(), { arch }))).not.toThrow();
  });

  it('takes paths with blanks, commas, unicode and newlines', () => {
    const directory = join(scratch(), 'a b,c\nü');
    mkdirSync(directory);
    expect(() => validateMachineSpec(validSpec(directory))).not.toThrow();
  });

  const most = cpus().length;
  const rows: [string, (directory: string, spec: MachineSpec) => Partial<MachineSpec>, string, RegExp][] = [
    ['no cpu', () => ({ cpus: 0 }), 'cpus', new RegExp(`from 1 to ${most} .*got 0`)],
    ['half a cpu', () => ({ cpus: 1.5 }), 'cpus', /got 1\.5/],
    ['more cpus than the host has', () => ({ cpus: most + 1 }), 'cpus', new RegExp(`got ${most + 1}`)],
    ['text for memory', () => ({ memory: '12 bananas' as unknown as number }), 'memory', /got '12 bananas'/],
    ['memory that is no multiple of 1 MiB', () => ({ memory: 512 * MIB + 1 }), 'memory', /multiple of 1 MiB/],
    ['too little memory', () => ({ memory: 255 * MIB }), 'memory', /at least 256 MiB, got 255 MiB/],
    ['more memory than the host has', () => ({ memory: 2 ** 50 }), 'memory', /this host has \d+ MiB/],
    ['another architecture', () => ({ arch: 'riscv' as 'arm64' }), 'arch', /'arm64' or 'x86_64', got 'riscv'/],
    ['another network', () => ({ network: 'bridge' as 'nat' }), 'network', /got 'bridge'/],
    ['another accelerator', () => ({ accelerator: 'kvm' as 'auto' }), 'accelerator', /got 'kvm'/],
    ['a kernel that is not there', (d) => ({ kernel: `${d}/none` }), 'kernel', /none' does not exist/],
    ['a relative kernel', () => ({ kernel: 'kernel' }), 'kernel', /absolute path, got 'kernel'/],
    ['a directory for an initrd', (d) => ({ initrd: d }), 'initrd', /is not a file/],
    [
      'a command line that is too long',
      () => ({ cmdline: 'x'.repeat(2048) }),
      'cmdline',
      /at most 2047 bytes, got 2048/,
    ],
    ['a NUL in the command line', () => ({ cmdline: 'a\0b' }), 'cmdline', /without NUL bytes, got 'a\\u0000b'/],
    ['a vsock path that is too long', () => ({ vsockPath: `/${'v'.repeat(98)}` }), 'vsockPath', /at most 98 bytes/],
    ['a run directory that is too long', (d) => ({ runDir: long(d) }), 'runDir', /at most 90 bytes/],
    [
      'a vsock path in no directory',
      () => ({ vsockPath: '/nowhere/v.sock' }),
      'vsockPath',
      /'\/nowhere' does not exist/,
    ],
    ['a console of no size', (d) => ({ console: { path: `${d}/c`, maxBytes: 0 } }), 'console.maxBytes', /got 0/],
    ['two disks of one id', (_, s) => ({ disks: [...s.disks, ...s.disks] }), 'disks[1].id', /'nix' is used twice/],
    [
      'a disk id that is too long',
      (_, s) => ({ disks: [{ ...disk(s), id: 'x'.repeat(21) }] }),
      'disks[0].id',
      /20 bytes/,
    ],
    ['a comma in a disk id', (_, s) => ({ disks: [{ ...disk(s), id: 'a,b' }] }), 'disks[0].id', /got 'a,b'/],
    [
      'a disk that is not there',
      (_, s) => ({ disks: [{ ...disk(s), path: '/none' }] }),
      'disks[0].path',
      /'\/none' does not/,
    ],
    [
      'a directory for a disk',
      (d, s) => ({ disks: [{ ...disk(s), path: d }] }),
      'disks[0].path',
      /is not a disk image/,
    ],
    [
      'a disk of broken sectors',
      (d, s) => ({ disks: [{ ...disk(s), path: odd(d) }] }),
      'disks[0].path',
      /512 bytes, .* has 513/,
    ],
    ['a qcow2 disk', (d, s) => ({ disks: [{ ...disk(s), path: qcow2(d) }] }), 'disks[0].path', /is qcow2/],
    [
      'two shares of one tag',
      (_, s) => ({ shares: [...s.shares, ...s.shares] }),
      'shares[1].tag',
      /'s0' is used twice/,
    ],
    ['a share tag that is too long', (d) => ({ shares: [share(d, 't'.repeat(37))] }), 'shares[0].tag', /36 bytes/],
    ['a share of a file', (d) => ({ shares: [share(`${d}/initrd`, 't')] }), 'shares[0].path', /is not a directory/],
    [
      'a share that is not there',
      () => ({ shares: [share('/none', 't')] }),
      'shares[0].path',
      /'\/none' does not exist/,
    ],
    ['more shares than slots', (d) => ({ shares: many(d) }), 'shares', /takes 24 disks and shares, got 1 and 24/],
  ];
  it.each(rows)('refuses %s', (_, change, option, message) => {
    const directory = scratch();
    const spec = validSpec(directory);
    const { code, message: said } = failure(() => validateMachineSpec({ ...spec, ...change(directory, spec) }));
    expect(code).toBe('ERR_INVALID_OPTION');
    expect(said).toMatch(new RegExp(`^${option.replace(/[[\].]/g, '\\$&')}: `));
    expect(said).toMatch(message);
  });

  const kernels: [string, Buffer, 'arm64' | 'x86_64', RegExp][] = [
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), 'arm64', /is compressed with gzip/],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 'arm64', /is compressed with zstd/],
    ['text', Buffer.from('#!/bin/sh\n'), 'x86_64', /is no kernel at all/],
    ['the other architecture', probeKernel('arm64'), 'x86_64', /\(an x86_64 ELF\), .* is an arm64 Image/],
    ['the other architecture again', probeKernel('x86_64'), 'arm64', /\(an arm64 Image\), .* is an x86_64 ELF/],
    ['a bzImage', Buffer.concat([Buffer.alloc(0x202), Buffer.from('HdrS')]), 'x86_64', /is a bzImage/],
  ];
  it.each(kernels)('refuses a kernel that is %s', (_, content, arch, message) => {
    const directory = scratch();
    const spec = validSpec(directory, { arch });
    writeFileSync(spec.kernel, content);
    expect(failure(() => validateMachineSpec(spec)).message).toMatch(message);
  });
});

const disk = (spec: MachineSpec) => spec.disks[0] ?? { id: 'nix', path: '/none', readOnly: false };
const share = (path: string, tag: string) => ({ tag, path, readOnly: true });
const many = (path: string) => Array.from({ length: 24 }, (_, index) => share(path, `t${index}`));

function long(directory: string): string {
  const path = join(directory, 'r'.repeat(90));
  mkdirSync(path);
  return path;
}

function odd(directory: string): string {
  const path = join(directory, 'odd.img');
  writeFileSync(path, '');
  truncateSync(path, 513);
  return path;
}

function qcow2(directory: string): string {
  const path = join(directory, 'disk.qcow2');
  writeFileSync(path, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(508)]));
  return path;
}
