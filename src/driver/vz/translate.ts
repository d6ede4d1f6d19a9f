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

/** The path of an option in a `MachineSpec`, for one in what the addon was given: `network[1]` may be `devices.network[0]`. */
export function specOption(spec: MachineSpec, option: string): string {
  const [, list = '', index = '', rest = ''] =
    /^(storage|network|shares|serial|consoles|graphics|usb)(?:\[(\d+)\])?(.*)$/s.exec(option) ?? [];
  if (list === '') return option.replace(/^boot\.(kernel|initrd|cmdline)/, '$1').replace(/^platform\./, 'devices.');
  const own = {
    storage: spec.disks.length,
    network: spec.network === 'nat' ? 1 : 0,
    shares: spec.shares.length,
    serial: 1,
  };
  const before = own[list as keyof typeof own] ?? 0;
  const at = Number(index);
  if (list === 'graphics' || list === 'usb') return `devices.${list}${rest}`;
  if (at >= before) return `devices.${list}[${at - before}]${rest}`;
  if (list === 'storage') return `disks[${at}]${rest.replace('.attachment', '')}`;
  if (list === 'shares') return `shares[${at}]${rest.replace('.share.directory', '')}`;
  return list === 'serial' ? 'console' : list;
}
