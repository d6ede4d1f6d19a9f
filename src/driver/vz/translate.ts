// From a `MachineSpec` to what the addon takes. The machine's own disks, shares, network and console come first, so that the
// guest sees them under the same names whatever devices follow.

import type { NetworkDevice, StorageDevice } from '../devices.ts';
import type { MachineSpec } from '../driver.ts';
import type { VzConfig } from './config.ts';
import type { Identity } from './identity.ts';

/** `consoleOutput` is a descriptor that the guest's console is written to. */
export function vzConfig(spec: MachineSpec, identity: Identity, consoleOutput: number): VzConfig {
  const { devices = {} } = spec;
  const network: NetworkDevice[] = [
    ...(spec.network === 'nat' ? [{ mac: null, attachment: { kind: 'nat' } } as const] : []),
    ...(devices.network ?? []),
  ];
  return {
    cpus: spec.cpus,
    memory: spec.memory,
    boot: devices.boot ?? { kind: 'linux', kernel: spec.kernel, initrd: spec.initrd, cmdline: spec.cmdline },
    platform: {
      machineIdentifier: identity.machineIdentifier,
      nestedVirtualization: devices.nestedVirtualization ?? false,
    },
    storage: [...spec.disks.map(asStorage), ...(devices.storage ?? [])],
    network: network.map((device, index) => ({ ...device, mac: device.mac ?? identity.macs[index] ?? null })),
    shares: [
      ...spec.shares.map(({ tag, path, readOnly }) => ({
        tag,
        share: { kind: 'single', directory: { path, readOnly } } as const,
      })),
      ...(devices.shares ?? []),
    ],
    vsock: true,
    serial: [{ kind: 'handles', input: null, output: consoleOutput }, ...(devices.serial ?? [])],
    consoles: devices.consoles ?? [],
    entropy: true,
    balloon: devices.balloon ?? false,
    graphics: devices.graphics === undefined ? [] : [devices.graphics],
    keyboard: devices.keyboard ?? false,
    pointer: devices.pointer ?? false,
    sound: devices.sound ?? [],
    usb: devices.usb === undefined ? [] : [devices.usb],
  };
}

function asStorage({ id, path, readOnly }: MachineSpec['disks'][number]): StorageDevice {
  return { device: 'virtio', id, attachment: { kind: 'image', path, readOnly } };
}
