// The look-alike's other side, for tests: load vz.node first, then `control(its path)`.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface Live {
  readonly blocks: number;
  readonly queues: number;
  readonly machines: number;
  readonly connections: number;
  readonly listeners: number;
  readonly helpers: number;
  /** By class, of those made since the first call. */
  readonly objects: Readonly<Record<string, number>>;
}

export interface Control {
  live(): Live;
  /** Waits, on this thread, until no counter but `objects` counts anything; false when it took longer. */
  settle(milliseconds: number): boolean;
  /** Replaces VZ_LOOKALIKE_FAULT from now on; null: the environment's again. */
  setFaults(names: string | null): void;
  /** Running machines suffer the present faults at once: guest-stops-with-error, network-lost, nbd-…, console-ports. */
  suffer(): void;
  /** Aborts the process: a message off the machine's queue. */
  offQueue(): void;
  /** Aborts the process: an exception that nobody catches. */
  raise(): void;
}

interface Native extends Omit<Control, 'live'> {
  attach(path: string): void;
  live(): string;
}

/** `lookalike_control.node` lies beside the addon. */
export function control(addon: string): Control {
  const native = createRequire(import.meta.url)(join(dirname(addon), 'lookalike_control.node')) as Native;
  native.attach(addon);
  return {
    live: () => JSON.parse(native.live()) as Live,
    settle: (milliseconds) => native.settle(milliseconds),
    setFaults: (names) => native.setFaults(names),
    suffer: () => native.suffer(),
    offQueue: () => native.offQueue(),
    raise: () => native.raise(),
  };
}
