// What a creator tells a supervisor (`spec.json`), what a supervisor tells everybody (`vm.json`, `exit.json`), and what goes over
// the start pipe. Plain JSON, with a schema number each: an unknown number is refused, never guessed at.

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
  readonly driver: DriverName;
  readonly machine: MachineSpec;
  /** Sent to the agent; `unixMs` is set by the supervisor at that moment. */
  readonly configure: Configure;
  readonly image: { readonly manifest: string; readonly id: string; readonly system: string };
  /** `throwaway`: the file is deleted when the VM is gone. */
  readonly volume: { readonly name: string; readonly path: string; readonly uuid: string; readonly throwaway: boolean };
  readonly workdir: string;
  readonly detached: boolean;
  /** Milliseconds without a command after which a detached VM stops; null: never. */
  readonly idleTimeoutMs: number | null;
  readonly startTimeoutMs: number;
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
 * Lines that the supervisor writes to descriptor 3, the start pipe, until `ready` or `error`. The pipe is a socket pair: an
 * attached VM stops when its other end closes, which is how the death of its creator is seen, SIGKILL included.
 */
export type StartLine =
  | { readonly type: 'phase'; readonly phase: 'boot' | 'agent' | 'mounts'; readonly note?: string }
  | { readonly type: 'ready'; readonly record: VmRecord }
  | { readonly type: 'error'; readonly error: SerializedError };
