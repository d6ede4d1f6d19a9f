// The contract between the supervisor and whatever runs a machine. A driver knows power, disks, shares and vsock; it knows
// nothing of the guest agent, of Nix, or of commands. `qemu/` and `vz/` implement it, and test/conformance holds both to it.

import type { VzshellError } from '../errors.ts';
import type { MachineDevices } from './devices.ts';
import type { Feature } from './features.ts';

export type Arch = 'arm64' | 'x86_64';
export type DriverName = 'qemu' | 'vz';

/** A disk. `id` is its virtio serial, at most 20 bytes: the guest finds it by that. */
export interface DiskSpec {
  readonly id: string;
  readonly path: string;
  readonly readOnly: boolean;
}

/** A host directory. `tag` is its VirtioFS tag, at most 36 bytes. Read-only is enforced on the host's side. */
export interface ShareSpec {
  readonly tag: string;
  readonly path: string;
  readonly readOnly: boolean;
}

/** A machine as plain data, valid JSON, checked once by `validateMachineSpec` before a driver sees it. */
export interface MachineSpec {
  readonly arch: Arch;
  readonly cpus: number;
  /** Bytes, a multiple of 1 MiB. */
  readonly memory: number;
  /** Uncompressed kernel: arm64 `Image`, x86_64 ELF with a PVH entry. */
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
  readonly disks: readonly DiskSpec[];
  readonly shares: readonly ShareSpec[];
  readonly network: 'nat' | 'none';
  /**
   * Path of the unix socket that speaks `CONNECT <port>\n` → `OK <n>\n`. What the guest dials on host port P arrives at
   * `<vsockPath>_P`; who wants it listens there before `start`. At most 98 bytes, so that `_1025` still fits.
   */
  readonly vsockPath: string;
  /** The guest's console: a file that never grows over `maxBytes`, its predecessor beside it as `<path>.1`. */
  readonly console: { readonly path: string; readonly maxBytes: number };
  /** Private directory (0700) for the driver's own sockets and logs. */
  readonly runDir: string;
  /** `auto` uses hardware virtualization where it works and says so where not; `hardware` makes its absence an error. */
  readonly accelerator: 'auto' | 'hardware' | 'emulation';
  /** What goes beyond the above. Absent: nothing. */
  readonly devices?: MachineDevices;
  /** A file that `save` wrote: the machine goes on from there instead of booting. Everything else must be as it was. */
  readonly restoreFrom?: string;
}

/** How a machine ended. `error` is set for every end that nobody asked for. */
export interface MachineExit {
  readonly reason: 'stopped' | 'guest-shutdown' | 'error';
  readonly error?: VzshellError;
}

/**
 * What shares cost the host. Whoever serves them holds a descriptor open for each inode that the guest's kernel remembers, unless
 * the file system and the rights are there for file handles.
 */
export interface ShareUse {
  /** Descriptors that the process with the fewest may have; null where that is not known. */
  readonly limit: number | null;
  /** Descriptors that the process with the most has now; null where they cannot be counted. */
  readonly open: number | null;
}

export interface Machine {
  /** Which accelerator runs, for people: `kvm`, `tcg`, `vz`. */
  readonly accelerator: string;
  /** Why not a faster one, when there is something to say; else null. */
  readonly acceleratorNote: string | null;
  /** Settles once, never rejects: when the machine is gone and every process and socket of it with it. */
  readonly stopped: Promise<MachineExit>;
  /** Host processes that belong to the machine, for `inspect` and leak checks. */
  processes(): readonly { readonly name: string; readonly pid: number }[];
  /** Null for a machine without shares. */
  shareUse(): ShareUse | null;
  /**
   * Tells the driver that the guest was asked to power off, so that its going is `stopped`, not an error.
   * Called before the agent's shutdown.
   */
  expectShutdown(): void;
  /** Stands still, with its memory; what the host sends meanwhile arrives after `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Writes a paused machine to a file, for `restoreFrom`; it stays paused. The feature `save-restore`. */
  save(path: string): Promise<void>;
  /** Ends the machine without the guest's help: an orderly quit of the VMM, then SIGKILL. Resolves when it is gone. */
  stop(): Promise<MachineExit>;
}

/** A thing that a host lacks, and the command that gets it. */
export interface Missing {
  readonly what: string;
  readonly why: string;
  /** A command to type, or advice when no command does it. */
  readonly fix: string;
}

/** What this host can do for one architecture. */
export interface DriverProbe {
  readonly driver: DriverName;
  readonly arch: Arch;
  /** True when `start` can work: nothing is missing. */
  readonly usable: boolean;
  readonly missing: readonly Missing[];
  readonly accelerator: string;
  readonly acceleratorNote: string | null;
  /** The device catalogue and what else may be asked of this driver here, each with the reason where it is not available. */
  readonly features: readonly Feature[];
  /** Programs and their versions, for `doctor`. */
  readonly programs: readonly { readonly name: string; readonly path: string; readonly version: string }[];
}

export interface Driver {
  readonly name: DriverName;
  /** Looks, and runs at most one tiny probe whose answer is remembered. Never rejects for something missing. */
  probe(arch: Arch): Promise<DriverProbe>;
  /**
   * Starts a machine; resolves when its VMM runs (the guest is then booting). On failure everything it had started is gone
   * again. `signal` aborts the start in the same way.
   */
  start(spec: MachineSpec, signal?: AbortSignal): Promise<Machine>;
}
