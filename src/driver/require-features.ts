// Which features a spec asks for, so that what this host lacks is refused by the name of the option, and never ignored.

import { VzshellError } from '../errors.ts';
import type { NetworkAttachment, StorageAttachment, StorageDevice } from './devices.ts';
import type { MachineSpec } from './driver.ts';
import type { Feature, FeatureName } from './features.ts';

interface Wish {
  readonly option: string;
  readonly feature: FeatureName;
}

const NETWORK: Readonly<Record<NetworkAttachment['kind'], FeatureName>> = {
  nat: 'nat',
  file: 'file-handle-network',
  bridged: 'bridged',
  vmnet: 'vmnet',
};
const STORAGE: Readonly<Record<StorageDevice['device'], FeatureName>> = {
  virtio: 'virtio-block',
  nvme: 'nvme',
  usb: 'usb-storage',
};
const ATTACHMENT: Readonly<Record<StorageAttachment['kind'], FeatureName | null>> = {
  image: null,
  block: 'block-device',
  nbd: 'nbd',
};

/** Throws ERR_UNSUPPORTED for the first wish that is not available here. */
export function requireFeatures(
  spec: Pick<MachineSpec, 'devices' | 'restoreFrom'>,
  features: readonly Feature[],
): void {
  for (const { option, feature } of wishes(spec)) {
    const found = features.find(({ name }) => name === feature);
    if (found?.available === true) continue;
    throw new VzshellError('ERR_UNSUPPORTED', `${option}: ${found?.why ?? 'this host does not have it'}`, {
      hint: 'leave it out; `vzshell doctor` lists what this host has',
      details: { option, feature },
    });
  }
}

function* wishes({ devices = {}, restoreFrom }: Pick<MachineSpec, 'devices' | 'restoreFrom'>): Generator<Wish> {
  if (restoreFrom !== undefined) yield { option: 'restoreFrom', feature: 'save-restore' };
  if (devices.boot !== undefined) yield { option: 'devices.boot', feature: 'boot-efi' };
  if (devices.nestedVirtualization === true) {
    yield { option: 'devices.nestedVirtualization', feature: 'nested-virtualization' };
  }
  for (const [index, { device, attachment }] of (devices.storage ?? []).entries()) {
    yield { option: `devices.storage[${index}]`, feature: STORAGE[device] };
    const feature = ATTACHMENT[attachment.kind];
    if (feature !== null) yield { option: `devices.storage[${index}].attachment`, feature };
  }
  for (const [index, { attachment }] of (devices.network ?? []).entries()) {
    yield { option: `devices.network[${index}]`, feature: NETWORK[attachment.kind] };
  }
  for (const [index, { share }] of (devices.shares ?? []).entries()) {
    if (share.kind !== 'rosetta') continue;
    yield { option: `devices.shares[${index}]`, feature: 'rosetta' };
    if (share.caching !== null) yield { option: `devices.shares[${index}].share.caching`, feature: 'rosetta-caching' };
  }
  for (const [index, { ports }] of (devices.consoles ?? []).entries()) {
    yield { option: `devices.consoles[${index}]`, feature: 'console-ports' };
    const spice = ports.findIndex(({ attachment }) => attachment.kind === 'spice');
    if (spice >= 0) yield { option: `devices.consoles[${index}].ports[${spice}]`, feature: 'spice-agent' };
  }
  if (devices.graphics !== undefined) yield { option: 'devices.graphics', feature: 'graphics' };
  if ((devices.sound ?? []).length > 0) yield { option: 'devices.sound', feature: 'sound' };
  if (devices.usb !== undefined) yield { option: 'devices.usb', feature: 'usb-hotplug' };
}
