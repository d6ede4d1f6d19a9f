import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Configure } from '../src/agent/operations.ts';
import type { Arch, MachineSpec } from '../src/driver/driver.ts';

/** A machine of the image that scripts/build-guest made, in `runDir`. Fails when there is none. */
export function guestMachine(runDir: string, changes: Partial<MachineSpec> = {}): MachineSpec {
  const arch: Arch = changes.arch ?? 'arm64';
  const path = new URL(`../build/guest/${arch}/manifest.json`, import.meta.url).pathname;
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const file = (name: 'kernel' | 'initrd' | 'root'): string => join(dirname(path), manifest[name].file);
  return {
    arch,
    cpus: 1,
    memory: 512 * 1024 * 1024,
    kernel: file('kernel'),
    initrd: file('initrd'),
    cmdline: `console=hvc0 panic=-1 quiet ${manifest.cmdline}`,
    disks: [{ id: 'image', path: file('root'), readOnly: true }],
    shares: [],
    network: 'none',
    vsockPath: join(runDir, 'vsock.sock'),
    console: { path: join(runDir, 'console.log'), maxBytes: 64 * 1024 },
    runDir,
    accelerator: 'auto',
    ...changes,
  };
}

/** What such a guest is told: shares below /mnt, writable as far as it is asked, root's own file system in memory. */
export function guestConfiguration({ shares, network }: Pick<MachineSpec, 'shares' | 'network'>): Configure {
  return {
    hostname: 'test',
    unixMs: Date.now(),
    user: { name: 'alice', uid: 1000, gid: 1000, group: 'alice', home: '/home/alice', shell: '/bin/bash' },
    shares: shares.map(({ tag }) => ({ tag, target: `/mnt/${tag}`, readOnly: false })),
    volume: null,
    tmpfsStore: true,
    network,
    nix: { conf: '' },
    env: {},
  };
}
