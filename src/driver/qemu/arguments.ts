// From a machine as data to the command lines that run it. Pure. Every flag that is not self-evident has its reason in
// docs/drivers.md. QEMU names its sockets relative to the run directory, its working directory: no path of the user's is then
// subject to the commas of its option syntax.

import { basename, join } from 'node:path';
import type { MachineSpec } from '../driver.ts';

export type Accelerator = 'kvm' | 'tcg';

/** Names in the run directory. */
export const VSOCK_DEVICE_SOCKET = 'vv.sock';
export const shareSocket = (index: number): string => `fs${index}.sock`;

/** The descriptor that QEMU's monitor speaks on. */
const QMP_FD = 3;
/** The guest's own address; each machine has a vhost-device-vsock of its own, so that it need not be unique. */
const GUEST_CID = 3;

/** QEMU's arguments. `qboot`: this host has the small firmware that takes an x86 kernel's PVH entry at once. */
export function qemuArguments(spec: MachineSpec, accelerator: Accelerator, qboot: boolean): string[] {
  const mebibytes = spec.memory / (1024 * 1024);
  return [
    ...['-name', `guest=vzshell-${escapeCommas(basename(spec.runDir))},debug-threads=on`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-S'],
    ...['-msg', 'timestamp=off'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-machine', `${machine(spec, accelerator)},memory-backend=mem,dump-guest-core=off`],
    ...['-accel', accelerator, '-cpu', cpu(spec, accelerator), '-smp', String(spec.cpus), '-m', String(mebibytes)],
    ...['-object', `memory-backend-memfd,id=mem,size=${mebibytes}M,share=on`],
    ...(spec.arch === 'x86_64' && qboot ? ['-bios', 'qboot.rom'] : []),
    ...['-kernel', spec.kernel, '-initrd', spec.initrd, '-append', commandLine(spec, accelerator)],
    ...['-chardev', `socket,id=qmp,fd=${QMP_FD}`, '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', 'stdio,id=con,signal=off', '-device', 'virtio-serial-pci,max_ports=1'],
    ...['-device', 'virtconsole,chardev=con', '-device', 'virtio-rng-pci'],
    ...['-chardev', `socket,id=vsock,path=${VSOCK_DEVICE_SOCKET}`, '-device', 'vhost-user-vsock-pci,chardev=vsock'],
    ...spec.shares.flatMap(({ tag }, index) => [
      ...['-chardev', `socket,id=fs${index},path=${shareSocket(index)}`],
      ...['-device', `vhost-user-fs-pci,chardev=fs${index},tag=${tag},queue-size=1024`],
    ]),
    ...spec.disks.flatMap(({ id, path, readOnly }, index) => [
      ...['-blockdev', JSON.stringify(blockdev(`disk${index}`, path, readOnly))],
      ...['-device', `virtio-blk-pci,drive=disk${index},serial=${id}${readOnly ? '' : ',werror=enospc,rerror=report'}`],
    ]),
    ...(spec.network === 'nat'
      ? ['-netdev', 'user,id=net,ipv6=off', '-device', 'virtio-net-pci,netdev=net,romfile=']
      : []),
    ...(spec.arch === 'x86_64' ? ['-device', 'pvpanic-pci', '-action', 'panic=exit-failure'] : []),
  ];
}

/** virtiofsd's arguments for one share. */
export function virtiofsdArguments(spec: MachineSpec, index: number, asRoot: boolean): string[] {
  const share = spec.shares[index];
  if (share === undefined) throw new RangeError(`no share ${index}`);
  return [
    ...['--shared-dir', share.path, '--socket-path', join(spec.runDir, shareSocket(index))],
    ...['--sandbox', 'namespace', '--cache', 'auto', '--log-level', 'error'],
    // Versions before 1.13 hold a descriptor for each inode that the guest knows, unless told to do without where they can.
    '--inode-file-handles=prefer',
    ...(share.readOnly ? ['--readonly'] : []),
    // Root's virtiofsd would otherwise make device nodes on the host for whoever is root in the guest.
    ...(asRoot ? ['--modcaps=-mknod'] : []),
  ];
}

/** vhost-device-vsock's arguments. The size of its buffers stays at the default: larger ones stall a stream for good. */
export function vsockArguments(spec: MachineSpec): string[] {
  return [
    '--guest-cid',
    String(GUEST_CID),
    '--socket',
    join(spec.runDir, VSOCK_DEVICE_SOCKET),
    '--uds-path',
    spec.vsockPath,
  ];
}

/**
 * What shields a kernel from a processor that speculates is of no use on an emulated one, which does not, and costs a fifth of a
 * start: page tables of the kernel's own (arm64), detours around indirect jumps (x86). The image's own words come later, and count.
 */
function commandLine({ arch, cmdline }: MachineSpec, accelerator: Accelerator): string {
  if (accelerator === 'kvm') return cmdline;
  return `${arch === 'arm64' ? 'kpti=off' : 'mitigations=off'} ${cmdline}`;
}

function machine(spec: MachineSpec, accelerator: Accelerator): string {
  if (spec.arch === 'x86_64') return 'q35';
  // KVM knows only the host's own interrupt controller, which may be a GICv2.
  return accelerator === 'kvm' ? 'virt,gic-version=max' : 'virt,gic-version=3';
}

function cpu(spec: MachineSpec, accelerator: Accelerator): string {
  if (accelerator === 'kvm') return 'host';
  // 'max' on arm64 emulates pointer authentication and more, and boots a fifth slower.
  return spec.arch === 'arm64' ? 'neoverse-n1' : 'max';
}

function blockdev(name: string, path: string, readOnly: boolean): object {
  return {
    driver: 'raw',
    'node-name': name,
    'read-only': readOnly,
    ...(!readOnly && { discard: 'unmap' }),
    file: {
      driver: 'file',
      filename: path,
      'read-only': readOnly,
      locking: 'on',
      ...(!readOnly && { discard: 'unmap' }),
    },
  };
}

function escapeCommas(text: string): string {
  return text.replaceAll(',', ',,');
}
