// From the look-alike's description of a configuration to the product's `MachineSpec`. What the QEMU driver has not is an error
// that names it, never left out; except what the guest of a test does without and what is recorded instead: a balloon, and an
// XHCI controller with nothing on it.

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

export class CannotBoot extends Error {
  constructor(what) {
    super(`the look-alike cannot boot ${what}`);
  }
}

/** `shares`: the directories to serve, by device. */
export function machineSpec({ directory, configuration, console, shares }) {
  refuseOthers(configuration);
  const { bootLoader, CPUCount, memorySize } = configuration;
  if (bootLoader.class !== 'VZLinuxBootLoader') throw new CannotBoot(bootLoader.class);
  if (bootLoader.initialRamdiskURL === null) throw new CannotBoot('without an initial RAM disk');
  return {
    arch: architecture(bootLoader.kernelURL),
    cpus: CPUCount,
    memory: memorySize,
    kernel: bootLoader.kernelURL,
    initrd: bootLoader.initialRamdiskURL,
    cmdline: bootLoader.commandLine,
    disks: configuration.storageDevices.flatMap(disk),
    shares: configuration.directorySharingDevices.map(({ tag }, index) => ({ tag, ...shares[index] })),
    network: network(configuration.networkDevices),
    vsockPath: join(directory, 'v.sock'),
    console: { path: console, maxBytes: Number.MAX_SAFE_INTEGER },
    runDir: directory,
    accelerator: 'auto',
  };
}

function refuseOthers(configuration) {
  for (const list of ['graphicsDevices', 'keyboards', 'pointingDevices', 'audioDevices']) {
    if (configuration[list].length > 0) throw new CannotBoot(configuration[list][0].class);
  }
  for (const { usbDevices } of configuration.usbControllers ?? []) {
    if (usbDevices.length > 0) throw new CannotBoot('USB devices');
  }
  // With the fault, the look-alike itself opens and closes their ports.
  const isTold = (process.env.VZ_LOOKALIKE_FAULT ?? '').split(',').includes('console-ports');
  if (configuration.consoleDevices.length > 0 && !isTold) throw new CannotBoot('consoles with ports');
  if (configuration.serialPorts.length > 1) throw new CannotBoot('more than one serial port');
  if (configuration.platform.nestedVirtualizationEnabled) throw new CannotBoot('nested virtualization');
}

function disk(device, index) {
  const { attachment } = device;
  if (device.class !== 'VZVirtioBlockDeviceConfiguration') throw new CannotBoot(device.class);
  if (attachment.class === 'VZNetworkBlockDeviceStorageDeviceAttachment') return nbd();
  if (attachment.class !== 'VZDiskImageStorageDeviceAttachment') throw new CannotBoot(attachment.class);
  return [{ id: device.blockDeviceIdentifier || `disk${index}`, path: attachment.URL, readOnly: attachment.readOnly }];
}

/** With the fault, the look-alike itself plays the server that answers or is lost; the guest has no such disk. */
function nbd() {
  const faults = (process.env.VZ_LOOKALIKE_FAULT ?? '').split(',');
  if (faults.includes('nbd-connected') || faults.includes('nbd-lost')) return [];
  throw new CannotBoot('network block devices');
}

function network(devices) {
  if (devices.length === 0) return 'none';
  const others = devices.find(({ attachment }) => attachment.class !== 'VZNATNetworkDeviceAttachment');
  if (others !== undefined) throw new CannotBoot(others.attachment.class);
  if (devices.length > 1) throw new CannotBoot('more than one network');
  return 'nat';
}

/** Apple's takes arm64 alone; here the other one boots too, for hosts where it is the fast one. */
function architecture(kernel) {
  const head = Buffer.alloc(64);
  const file = openSync(kernel, 'r');
  readSync(file, head, 0, head.length, 0);
  closeSync(file);
  return head.toString('latin1', 1, 4) === 'ELF' ? 'x86_64' : 'arm64';
}
