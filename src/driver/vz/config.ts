// What crosses to the addon when a machine is made: the whole configuration, once, as plain data. The addon reads it strictly
// (native/src/config.cc): an unknown key, a wrong type or a missing value is an error that names its path. Fields that are
// `null` are spelled out, so that nothing is ever absent by accident. Versions are of macOS; what has none works on 13.5.

/** A machine for Virtualization.framework. */
export interface VzConfig {
  readonly cpus: number;
  /** Bytes, a multiple of 1 MiB. */
  readonly memory: number;
  readonly boot: VzBoot;
  readonly platform: {
    /** `VZGenericMachineIdentifier` in base64; null: a new one, see `VzMachine.identity`. */
    readonly machineIdentifier: string | null;
    /** 15.0, M3 or newer. */
    readonly nestedVirtualization: boolean;
  };
  readonly storage: readonly VzStorage[];
  readonly network: readonly VzNetwork[];
  /** One VirtioFS device each. */
  readonly shares: readonly VzShareDevice[];
  readonly vsock: boolean;
  /** One virtio console each: hvc0, hvc1, … */
  readonly serial: readonly VzSerialAttachment[];
  /** Devices with named ports. */
  readonly consoles: readonly VzConsole[];
  readonly entropy: boolean;
  readonly balloon: boolean;
  /** At most one, with at most one scanout; without a window nobody sees it, but the guest has a display. */
  readonly graphics: readonly { readonly scanouts: readonly { readonly width: number; readonly height: number }[] }[];
  readonly keyboard: boolean;
  readonly pointer: boolean;
  readonly sound: readonly VzSound[];
  /** XHCI controllers, 15.0. */
  readonly usb: readonly { readonly devices: readonly VzUsbStorage[] }[];
}

export type VzBoot =
  | {
      readonly kind: 'linux';
      /** Uncompressed arm64 `Image`. */
      readonly kernel: string;
      readonly initrd: string | null;
      /** At most 2047 bytes. */
      readonly cmdline: string;
    }
  | {
      readonly kind: 'efi';
      /** `create` makes a new variable store, and refuses a file that is there. */
      readonly variableStore: { readonly path: string; readonly create: boolean };
    };

/** Disk images are always cached, with fsync: the automatic mode corrupts Linux file systems. */
export type VzStorageAttachment =
  | { readonly kind: 'image'; readonly path: string; readonly readOnly: boolean }
  /** A block device of the host, 14.0. */
  | { readonly kind: 'block'; readonly path: string; readonly readOnly: boolean; readonly sync: 'full' | 'none' }
  /** A network block device, 14.0. `timeout` in milliseconds. */
  | {
      readonly kind: 'nbd';
      readonly url: string;
      readonly timeout: number;
      readonly readOnly: boolean;
      readonly sync: 'full' | 'none';
    };

export type VzStorage =
  /** `id` is the virtio serial, ASCII, at most 20 bytes. */
  | { readonly device: 'virtio'; readonly id: string | null; readonly attachment: VzStorageAttachment }
  /** 14.0 */
  | { readonly device: 'nvme'; readonly attachment: VzStorageAttachment }
  | { readonly device: 'usb'; readonly attachment: VzStorageAttachment };

/** USB mass storage on an XHCI controller, 15.0. `uuid`: null makes one. */
export interface VzUsbStorage {
  readonly uuid: string | null;
  readonly attachment: VzStorageAttachment;
}

export interface VzNetwork {
  /** `02:…`; null: a random locally administered one, see `VzMachine.identity`. */
  readonly mac: string | null;
  readonly attachment: VzNetworkAttachment;
}

export type VzNetworkAttachment =
  | { readonly kind: 'nat' }
  /** A connected datagram socket, one frame per datagram. The addon duplicates it. `mtu`: 1500 to 65535. */
  | { readonly kind: 'file'; readonly fd: number; readonly mtu: number }
  /** Needs the entitlement com.apple.vm.networking, or root. */
  | { readonly kind: 'bridged'; readonly interface: string }
  /** 26.0 */
  | {
      readonly kind: 'vmnet';
      readonly mode: 'shared' | 'host';
      /** IPv4, for instance `192.168.77.0/24`; null: macOS chooses. */
      readonly subnet: string | null;
      readonly dhcp: boolean;
      readonly forwards: readonly {
        readonly protocol: 'tcp' | 'udp';
        readonly hostPort: number;
        readonly guestPort: number;
        readonly guestAddress: string;
      }[];
    };

export interface VzShareDevice {
  /** At most 35 bytes of UTF-8. */
  readonly tag: string;
  readonly share: VzShare;
}

export interface VzDirectory {
  readonly path: string;
  readonly readOnly: boolean;
}

export type VzShare =
  | { readonly kind: 'single'; readonly directory: VzDirectory }
  | { readonly kind: 'multiple'; readonly directories: Readonly<Record<string, VzDirectory>> }
  /** Rosetta must be installed. `caching` 14.0: the daemon's socket in the guest, null for none. */
  | {
      readonly kind: 'rosetta';
      readonly caching: null | { readonly kind: 'unix' | 'abstract'; readonly name: string | null };
    };

export type VzSerialAttachment =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean }
  /** `input` is what the guest receives. The addon duplicates both. */
  | { readonly kind: 'handles'; readonly input: number | null; readonly output: number | null };

export interface VzConsole {
  readonly maxPorts: number | null;
  readonly ports: readonly {
    readonly name: string | null;
    /** A console in the guest (hvc), resizable; else /dev/virtio-ports/NAME. */
    readonly isConsole: boolean;
    readonly attachment: VzSerialAttachment | { readonly kind: 'spice'; readonly sharesClipboard: boolean };
  }[];
}

/** `host` plays or records; `none` is silence. */
export type VzSound = {
  readonly streams: readonly { readonly direction: 'input' | 'output'; readonly host: boolean }[];
};
