import { expect, it } from 'vitest';
import type { MachineSpec } from '../../../../src/driver/driver.ts';
import { qemuArguments, virtiofsdArguments, vsockArguments } from '../../../../src/driver/qemu/arguments.ts';

const SPEC: MachineSpec = {
  arch: 'arm64',
  cpus: 2,
  memory: 1024 * 1024 * 1024,
  kernel: '/guests/Image',
  initrd: '/guests/initrd',
  cmdline: 'console=hvc0 panic=-1 quiet',
  disks: [
    { id: 'image', path: '/guests/root.erofs', readOnly: true },
    { id: 'nix', path: '/volumes/a, "b"\n.img', readOnly: false },
  ],
  shares: [
    { tag: 's0', path: '/home/alice/hello', readOnly: false },
    { tag: 'store', path: '/nix/store', readOnly: true },
  ],
  network: 'nat',
  vsockPath: '/run/ab,cd/vsock.sock',
  console: { path: '/run/ab,cd/console.log', maxBytes: 65536 },
  runDir: '/run/ab,cd',
  accelerator: 'auto',
};

/** One option and its value a line, as a person reads a command line. */
function lines(argv: readonly string[]): string {
  return argv.join(' ').replaceAll(' -', '\n-');
}

it('an emulated arm64 guest', () => {
  expect(lines(qemuArguments(SPEC, 'tcg', true))).toMatchInlineSnapshot(`
    "-name guest=vzshell-ab,,cd,debug-threads=on
    -nodefaults
    -no-user-config
    -display none
    -no-reboot
    -S
    -msg timestamp=off
    -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
    -machine virt,gic-version=3,memory-backend=mem,dump-guest-core=off
    -accel tcg
    -cpu neoverse-n1
    -smp 2
    -m 1024
    -object memory-backend-memfd,id=mem,size=1024M,share=on
    -kernel /guests/Image
    -initrd /guests/initrd
    -append kpti=off console=hvc0 panic=-1 quiet
    -chardev socket,id=qmp,fd=3
    -mon chardev=qmp,mode=control
    -chardev stdio,id=con,signal=off
    -device virtio-serial-pci,max_ports=1
    -device virtconsole,chardev=con
    -device virtio-rng-pci
    -chardev socket,id=vsock,path=vv.sock
    -device vhost-user-vsock-pci,chardev=vsock
    -chardev socket,id=fs0,path=fs0.sock
    -device vhost-user-fs-pci,chardev=fs0,tag=s0,queue-size=1024
    -chardev socket,id=fs1,path=fs1.sock
    -device vhost-user-fs-pci,chardev=fs1,tag=store,queue-size=1024
    -blockdev {"driver":"raw","node-name":"disk0","read-only":true,"file":{"driver":"file","filename":"/guests/root.erofs","read-only":true,"locking":"on"}}
    -device virtio-blk-pci,drive=disk0,serial=image
    -blockdev {"driver":"raw","node-name":"disk1","read-only":false,"discard":"unmap","file":{"driver":"file","filename":"/volumes/a, \\"b\\"\\n.img","read-only":false,"locking":"on","discard":"unmap"}}
    -device virtio-blk-pci,drive=disk1,serial=nix,werror=enospc,rerror=report
    -netdev user,id=net,ipv6=off
    -device virtio-net-pci,netdev=net,romfile="
  `);
});

it('an x86_64 guest under KVM, without shares and network', () => {
  const spec: MachineSpec = {
    ...SPEC,
    arch: 'x86_64',
    kernel: '/guests/vmlinux',
    disks: [],
    shares: [],
    network: 'none',
  };
  expect(lines(qemuArguments(spec, 'kvm', true))).toMatchInlineSnapshot(`
    "-name guest=vzshell-ab,,cd,debug-threads=on
    -nodefaults
    -no-user-config
    -display none
    -no-reboot
    -S
    -msg timestamp=off
    -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
    -machine q35,memory-backend=mem,dump-guest-core=off
    -accel kvm
    -cpu host
    -smp 2
    -m 1024
    -object memory-backend-memfd,id=mem,size=1024M,share=on
    -bios qboot.rom
    -kernel /guests/vmlinux
    -initrd /guests/initrd
    -append console=hvc0 panic=-1 quiet
    -chardev socket,id=qmp,fd=3
    -mon chardev=qmp,mode=control
    -chardev stdio,id=con,signal=off
    -device virtio-serial-pci,max_ports=1
    -device virtconsole,chardev=con
    -device virtio-rng-pci
    -chardev socket,id=vsock,path=vv.sock
    -device vhost-user-vsock-pci,chardev=vsock
    -device pvpanic-pci
    -action panic=exit-failure"
  `);
});

it('what differs between accelerators and hosts', () => {
  const x86: MachineSpec = { ...SPEC, arch: 'x86_64' };
  expect(qemuArguments(x86, 'tcg', true)).toContain('max');
  expect(lines(qemuArguments(x86, 'tcg', true))).toMatch(/-append mitigations=off console=hvc0/);
  expect(lines(qemuArguments(SPEC, 'kvm', true))).toMatch(/-append console=hvc0/);
  expect(qemuArguments(x86, 'tcg', false)).not.toContain('-bios');
  expect(lines(qemuArguments(SPEC, 'kvm', true))).toMatch(/-machine virt,gic-version=max,.*\n-accel kvm\n-cpu host/);
});

it('a share: never more than its directory, and read-only on the host side', () => {
  expect(lines(virtiofsdArguments(SPEC, 0, false))).toMatchInlineSnapshot(`
    "--shared-dir /home/alice/hello
    --socket-path /run/ab,cd/fs0.sock
    --sandbox namespace
    --cache auto
    --log-level error
    --inode-file-handles=prefer"
  `);
  expect(virtiofsdArguments(SPEC, 0, false)).not.toContain('--readonly');
  expect(virtiofsdArguments(SPEC, 1, false)).toContain('--readonly');
  expect(virtiofsdArguments(SPEC, 0, true)).toContain('--modcaps=-mknod');
});

it('vsock', () => {
  expect(lines(vsockArguments(SPEC))).toMatchInlineSnapshot(`
    "--guest-cid 3
    --socket /run/ab,cd/vv.sock
    --uds-path /run/ab,cd/vsock.sock"
  `);
});
