// What a driver can do, told before anybody asks for it and fails.

export const FEATURES = [
  'boot-linux',
  'boot-efi',
  'virtio-block',
  'nvme',
  'usb-storage',
  'block-device',
  'nbd',
  'nat',
  'file-handle-network',
  'bridged',
  'vmnet',
  'virtiofs',
  'rosetta',
  'rosetta-caching',
  'vsock',
  'console-ports',
  'spice-agent',
  'graphics',
  'sound',
  'usb-hotplug',
  'nested-virtualization',
  'pause',
  'save-restore',
] as const;

export type FeatureName = (typeof FEATURES)[number];

/** A thing that a driver may or may not be able to do on this host. */
export interface Feature {
  readonly name: FeatureName;
  readonly available: boolean;
  /** Why not: `needs macOS 14`, `this Mac's chip lacks it`, …; null when available. */
  readonly why: string | null;
}
