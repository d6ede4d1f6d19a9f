import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MachineSpec } from '../../../src/driver/driver.ts';
import { probeKernel } from '../../../src/driver/qemu/kvm-probe.ts';

/** A directory that goes with the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'vzshell-driver-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A spec whose files are really there, with the KVM probe's payload for a kernel. */
export function validSpec(directory: string, changes: Partial<MachineSpec> = {}): MachineSpec {
  const arch = changes.arch ?? 'arm64';
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const disk = file('disk.img', '');
  truncateSync(disk, 1024 * 1024);
  return {
    arch,
    cpus: 1,
    memory: 512 * 1024 * 1024,
    kernel: file('kernel', probeKernel(arch)),
    initrd: file('initrd', '070701'),
    cmdline: 'console=hvc0',
    disks: [{ id: 'nix', path: disk, readOnly: false }],
    shares: [{ tag: 's0', path: directory, readOnly: false }],
    network: 'none',
    vsockPath: join(directory, 'vsock.sock'),
    console: { path: join(directory, 'console.log'), maxBytes: 64 * 1024 },
    runDir: directory,
    accelerator: 'emulation',
    ...changes,
  };
}

/** The message and hint of what `act` throws; fails when it throws nothing. */
export function failure(act: () => unknown): { code: string; message: string; hint: string } {
  try {
    act();
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint?: string };
    return { code, message, hint: hint ?? '' };
  }
  throw new Error('nothing was thrown');
}
