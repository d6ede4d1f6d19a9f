// What a creator tells a supervisor (`spec.json`), what a supervisor tells everybody (`vm.json`, `exit.json`), and what goes over
// the start pipe and the control socket. Plain JSON, with a schema number each: an unknown number is refused, never guessed at.

import type { Configure } from '../agent/operations.ts';
import type { DriverName, MachineSpec } from '../driver/driver.ts';
import type { SerializedError } from '../errors.ts';

export const STATE_SCHEMA = 1;
/** Version of the control socket's requests. A client and a supervisor of different versions say so. */
export const CONTROL_PROTOCOL = 1;

export interface VmSpec {
  readonly schema: typeof STATE_SCHEMA;
  readonly id: string;
  readonly name: string;
  /** It got a random name, so its run directory goes with it. */
  readonly ephemeral: boolean;
  readonly driver: DriverName;
  readonly machine: MachineSpec;
  /** Sent to the agent; `unixMs` and `timezone` are set by the supervisor at that moment. */
  readonly configure: Configure;
  readonly image: { readonly manifest: string; readonly id: string; readonly system: string };
  readonly volume: {
    readonly name: string;
    readonly path: string;
    readonly uuid: string;
    /** The supervisor makes the file, `size` bytes long, and deletes it when the VM is gone. */
    readonly throwaway: boolean;
    readonly size: number;
  };
  /** Absent in what earlier versions wrote. */
  readonly store?: StoreSpec;
  readonly workdir: string;
  readonly detached: boolean;
  /** Milliseconds without a command after which a detached VM stops; null: never. */
  readonly idleTimeoutMs: number | null;
  readonly startTimeoutMs: number;
}

/** Which stores the guest's own is made of. */
export interface StoreSpec {
  readonly mode: 'auto' | 'host' | 'image';
  /** Null: the image's store and the volume, without the host's. */
  readonly host: HostStoreSpec | null;
  /** The host's store as a binary cache, for what cannot be a layer. */
  readonly cache?: HostCacheSpec | null;
  /** Why `auto` means no host store here; else null. */
  readonly reason: string | null;
}

/** Everything that is needed to serve paths of a store: its database and directory, and the programs that read them. */
export interface HostCacheSpec {
  readonly database: string;
  readonly directory: string;
  readonly nixStore: string;
  /** Files of the store may have other names on the disk than in an archive (Nix's `use-case-hack`). */
  readonly caseHack: boolean;
  readonly sqlite: string;
}

export interface HostStoreSpec {
  /** Directory on the host. */
  readonly directory: string;
  readonly id: string;
  readonly generation: string;
  /** The host's own database, and its state when the snapshot was taken. */
  readonly source: string;
  readonly state: string;
  /** The database of the image's store, which is part of the snapshot. */
  readonly imageDatabase: string;
  /** The snapshot's database; the supervisor takes it into the run directory. */
  readonly database: string;
  /** Paths of the host that the guest can use, and those that were left out. */
  readonly paths: number;
  readonly leftOut: number;
}

/** `vm.json`: written by rename when the VM is ready, removed when it stops. */
export interface VmRecord {
  readonly schema: typeof STATE_SCHEMA;
  readonly protocol: typeof CONTROL_PROTOCOL;
  readonly pid: number;
  readonly spec: VmSpec;
  readonly accelerator: string;
  readonly acceleratorNote: string | null;
  readonly nixVersion: string;
  /** Home directory in the guest. */
  readonly home: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

export type RunState = 'starting' | 'running' | 'stopping' | 'stopped';

export type ExitReason = 'stopped' | 'guest-shutdown' | 'idle' | 'owner-gone' | 'error';

/** `exit.json`: why the last run of this VM ended. */
export interface ExitRecord {
  readonly schema: typeof STATE_SCHEMA;
  readonly reason: ExitReason;
  readonly error?: SerializedError;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * The start pipe is a socket pair, descriptor 3 of the supervisor. The creator writes one line, the `VmSpec`; the supervisor
 * answers with these lines. An attached VM stops when the creator's end closes, which is how the death of a creator is seen,
 * SIGKILL included. A detached one closes its own end after `ready`.
 */
export type StartLine =
  | { readonly type: 'phase'; readonly phase: 'boot' | 'agent' | 'mounts'; readonly note?: string }
  | { readonly type: 'ready'; readonly record: VmRecord }
  | { readonly type: 'error'; readonly error: SerializedError }
  | { readonly type: 'exit'; readonly exit: ExitRecord };

/** Bytes of the longest line on the start pipe. */
export const MAX_START_LINE: number = 8 * 1024 * 1024;

/** Answer of `GET /v1/vm`. */
export interface ControlStatus {
  readonly protocol: typeof CONTROL_PROTOCOL;
  readonly state: RunState;
  readonly pid: number;
  readonly spec: VmSpec;
  /** Null until it is ready. */
  readonly record: VmRecord | null;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  /** Open streams in the guest: 0, or more than 0. */
  readonly streams: number;
  /** Null without a machine or without shares; absent in what earlier versions say. */
  readonly shares?: SharesStatus | null;
}

/** What the shares of a VM cost this host. */
export interface SharesStatus {
  /** Descriptors that the process that serves a share may have; at half as many inodes the guest is made to forget some. */
  readonly limit: number | null;
  /** Descriptors that it has now; null where they cannot be counted. */
  readonly open: number | null;
  /** How often the guest was made to forget inodes. */
  readonly trims: number;
}

/** Body of `POST /v1/stop`. The answer, an `ExitRecord`, comes when the machine is gone. */
export interface StopRequest {
  /** Do not ask the guest first. */
  readonly force?: boolean;
  /** Milliseconds that the guest gets. */
  readonly timeoutMs?: number;
}

/**
 * A line of `GET /v1/events`: the state now, each change of it, and at last the exit. It closes when the supervisor is gone. `trimmed`,
 * inodes of shares that the guest remembered and remembers, is left out for who does not read.
 */
export type ControlEvent =
  | { readonly type: 'trimmed'; readonly before: number; readonly after: number }
  | { readonly type: 'state'; readonly state: RunState }
  | { readonly type: 'exit'; readonly exit: ExitRecord };
