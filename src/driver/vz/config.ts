// What crosses to the addon when a machine is made: the whole configuration, once, as plain data. The addon reads it strictly
// (native/src/config.cc): an unknown key, a wrong type or a missing value is an error that names its path. Fields that are
// `null` are spelled out, so that nothing is ever absent by accident. Versions are of macOS; what has none works on 13.5.

import type {
  Boot,
  ConsoleDevice,
  GraphicsDevice,
  NetworkDevice,
  SerialAttachment,
  ShareDevice,
  SoundDevice,
  StorageDevice,
  UsbStorage,
} from '../devices.ts';

/** A machine for Virtualization.framework. */
export interface VzConfig {
  readonly cpus: number;
  /** Bytes, a multiple of 1 MiB. */
  readonly memory: number;
  readonly boot: Boot;
  readonly platform: {
    /** `VZGenericMachineIdentifier` in base64; null: a new one, see `VzMachine.identity`. */
    readonly machineIdentifier: string | null;
    /** 15.0, M3 or newer. */
    readonly nestedVirtualization: boolean;
  };
  readonly storage: readonly StorageDevice[];
  readonly network: readonly NetworkDevice[];
  /** One VirtioFS device each. */
  readonly shares: readonly ShareDevice[];
  readonly vsock: boolean;
  /** One virtio console each: hvc0, hvc1, … */
  readonly serial: readonly SerialAttachment[];
  /** Devices with named ports. */
  readonly consoles: readonly ConsoleDevice[];
  readonly entropy: boolean;
  readonly balloon: boolean;
  /** At most one. */
  readonly graphics: readonly GraphicsDevice[];
  readonly keyboard: boolean;
  readonly pointer: boolean;
  readonly sound: readonly SoundDevice[];
  /** XHCI controllers, 15.0. */
  readonly usb: readonly { readonly devices: readonly UsbStorage[] }[];
}
