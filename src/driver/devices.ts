// The device catalogue: what a machine may have beyond the disks, shares and network that every vzshell machine has. A driver
// that cannot honour a device refuses it by name. Versions are of macOS; what has none works on 13.5.

export type Boot =
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
export type StorageAttachment =
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

export type StorageDevice =
  /** `id` is the virtio serial, ASCII, at most 20 bytes. */
  | { readonly device: 'virtio'; readonly id: string | null; readonly attachment: StorageAttachment }
  /** 14.0 */
  | { readonly device: 'nvme'; readonly attachment: StorageAttachment }
  | { readonly device: 'usb'; readonly attachment: StorageAttachment };

/** USB mass storage on an XHCI controller, 15.0. `uuid`: null makes one. */
export interface UsbStorage {
  readonly uuid: string | null;
  readonly attachment: StorageAttachment;
}

export interface NetworkDevice {
  /** `02:…`; null: a random locally administered one, see `VzMachine.identity`. */
  readonly mac: string | null;
  readonly attachment: NetworkAttachment;
}

export type NetworkAttachment =
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

export interface ShareDevice {
  /** At most 35 bytes of UTF-8. */
  readonly tag: string;
  readonly share: Share;
}

export interface SharedDirectory {
  readonly path: string;
  readonly readOnly: boolean;
}

export type Share =
  | { readonly kind: 'single'; readonly directory: SharedDirectory }
  | { readonly kind: 'multiple'; readonly directories: Readonly<Record<string, SharedDirectory>> }
  /** Rosetta must be installed. `caching` 14.0: the daemon's socket in the guest, null for none. */
  | {
      readonly kind: 'rosetta';
      readonly caching: null | { readonly kind: 'unix' | 'abstract'; readonly name: string | null };
    };

export type SerialAttachment =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean }
  /** `input` is what the guest receives. The addon duplicates both. */
  | { readonly kind: 'handles'; readonly input: number | null; readonly output: number | null };

export interface ConsoleDevice {
  readonly maxPorts: number | null;
  readonly ports: readonly {
    readonly name: string | null;
    /** A console in the guest (hvc), resizable; else /dev/virtio-ports/NAME. */
    readonly isConsole: boolean;
    readonly attachment: SerialAttachment | { readonly kind: 'spice'; readonly sharesClipboard: boolean };
  }[];
}

/** At most one scanout. Without a window nobody sees it, but the guest has a display. */
export interface GraphicsDevice {
  readonly scanouts: readonly { readonly width: number; readonly height: number }[];
}

/** `host` plays or records; `none` is silence. */
export type SoundDevice = {
  readonly streams: readonly { readonly direction: 'input' | 'output'; readonly host: boolean }[];
};

/** Devices of a machine beside those that `MachineSpec` names. What is absent is not there. */
export interface MachineDevices {
  /** Instead of the direct boot of `kernel` and `initrd`. */
  readonly boot?: Extract<Boot, { kind: 'efi' }>;
  /** 15.0, M3 or newer. */
  readonly nestedVirtualization?: boolean;
  /** Behind the machine's own disks. */
  readonly storage?: readonly StorageDevice[];
  /** Behind the machine's own network. */
  readonly network?: readonly NetworkDevice[];
  readonly shares?: readonly ShareDevice[];
  /** Behind hvc0, which is the console's log. */
  readonly serial?: readonly SerialAttachment[];
  readonly consoles?: readonly ConsoleDevice[];
  readonly balloon?: boolean;
  readonly graphics?: GraphicsDevice;
  readonly keyboard?: boolean;
  readonly pointer?: boolean;
  readonly sound?: readonly SoundDevice[];
  /** One XHCI controller, for devices that come and go. 15.0 */
  readonly usb?: { readonly devices: readonly UsbStorage[] };
}
