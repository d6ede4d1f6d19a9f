// The addon's exports, as `vz.node` gives them. Only `addon.ts` loads it, and only a supervisor does: nobody's node has the
// entitlement. Every promise settles, also when the environment goes down with calls pending.

import type { NetworkAttachment, Share, UsbStorage } from '../devices.ts';
import type { Arch } from '../driver.ts';
import type { Feature } from '../features.ts';
import type { VzConfig } from './config.ts';

export interface VzBinding {
  /** Bumped with every change of this file or of config.ts; the loader refuses another number. */
  readonly contract: 1;
  readonly Machine: new (config: VzConfig, onEvent: (event: VzEvent) => void) => VzMachine;
  capabilities(): VzCapabilities;
  /** Asks the user, and may take minutes. 13.0 */
  installRosetta(): Promise<void>;
  /**
   * Takes an exclusive kernel lock (flock) on a file that it makes where there is none; waits for its holder at most that many
   * milliseconds, and is null then. Held until the descriptor is closed, which is not inherited, or the process is gone.
   */
  lock(path: string, wait: number): Promise<number | null>;
  /** Two descriptors, closed on exec. The caller closes both. */
  pipe(): { readonly read: number; readonly write: number };
}

/**
 * One `VZVirtualMachine` on a serial queue of its own. The constructor checks `config` and throws a `VzNativeError`; nothing
 * runs before `start`. Calls in the wrong state reject with kind `state`, after `close` with kind `closed`.
 */
export interface VzMachine {
  /** As last told by the framework. */
  readonly state: VzState;
  /** What must be kept for the machine's next run. */
  identity(): { readonly machineIdentifier: string; readonly macs: readonly string[] };
  start(): Promise<void>;
  /** Without the guest's help. */
  stop(): Promise<void>;
  /** Presses the power button; resolves when that is delivered. */
  requestStop(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Throws why this configuration cannot be saved. 14.0 */
  validateSaveRestore(): void;
  /** Of a paused machine, which stays paused. 14.0 */
  save(path: string): Promise<void>;
  /** Into a stopped machine, which is paused afterwards. 14.0 */
  restore(path: string): Promise<void>;
  /** A connection to a guest's vsock port; `release(id)` when its socket has closed. Rejects after `timeout` ms. */
  connect(port: number, timeout: number): Promise<VzConnection>;
  /** From now on a guest's connection to this host port is an event `vsock`. Rejects when the port has a listener. */
  listen(port: number): Promise<void>;
  unlisten(port: number): Promise<void>;
  release(id: number): void;
  /**
   * Serves `CONNECT <port>\n` at this unix socket, and carries what the guest dials on these host ports to `<path>_<port>`,
   * without a byte passing JavaScript. May be called before `start`. Ends with the machine, and removes the socket.
   */
  serve(path: string, ports: readonly number[]): Promise<void>;
  /** Replaces a share while the machine runs; not one of Rosetta. */
  setShare(tag: string, share: Share): Promise<void>;
  /** Null pulls the cable. */
  setNetwork(index: number, attachment: NetworkAttachment | null): Promise<void>;
  /** Bytes that the balloon leaves to the guest. */
  balloon(): Promise<number>;
  setBalloon(bytes: number): Promise<void>;
  /** Resolves to the device's UUID. 15.0 */
  attachUsb(controller: number, device: UsbStorage): Promise<string>;
  detachUsb(controller: number, uuid: string): Promise<void>;
  /** Stops it if it runs, closes every descriptor, releases it on its queue. Idempotent; no event follows. */
  close(): Promise<void>;
}

export interface VzConnection {
  /** The caller's own: non-blocking, closed on exec. */
  readonly fd: number;
  readonly id: number;
  readonly sourcePort: number;
}

export type VzState =
  | 'stopped'
  | 'running'
  | 'paused'
  | 'error'
  | 'starting'
  | 'pausing'
  | 'resuming'
  | 'stopping'
  | 'saving'
  | 'restoring';

export type VzEvent =
  | { readonly type: 'state'; readonly state: VzState }
  /** The guest powered off (`error` null), or the machine crashed. Not sent after our own `stop`. */
  | { readonly type: 'stopped'; readonly error: VzNativeError | null }
  | { readonly type: 'network-lost'; readonly index: number; readonly error: VzNativeError }
  | { readonly type: 'nbd'; readonly index: number; readonly error: VzNativeError | null }
  | { readonly type: 'console-port'; readonly console: number; readonly port: number; readonly open: boolean }
  | { readonly type: 'vsock'; readonly port: number; readonly connection: VzConnection };

/** Every error that the addon throws or rejects with. */
export interface VzNativeError extends Error {
  /**
   * `invalid`: an option, named by `option`, that no macOS takes · `unsupported`: this macOS or this Mac lacks it, `needs` says
   * what (`macOS 14`) · `state` · `closed` · `timeout` · `framework`: an NSError · `exception`: an NSException.
   */
  readonly kind: 'invalid' | 'unsupported' | 'state' | 'closed' | 'timeout' | 'framework' | 'exception';
  readonly option?: string;
  readonly needs?: string;
  /** NSError's, or its name for an NSException. */
  readonly domain?: string;
  readonly nativeCode?: number;
  readonly reason?: string;
  readonly underlying?: { readonly domain: string; readonly code: number; readonly message: string }[];
}

/** What this Mac can do, with the reason wherever it cannot. */
export interface VzCapabilities {
  /** `26.0.1` */
  readonly macos: string;
  /** Of this Mac's processor, which is also its guests': a translated (Rosetta) process has another. */
  readonly arch: Arch;
  /** `VZVirtualMachine.isSupported` */
  readonly supported: boolean;
  /** com.apple.security.virtualization on this executable. */
  readonly entitled: boolean;
  /** com.apple.vm.networking. */
  readonly bridgedEntitled: boolean;
  readonly limits: {
    readonly minCpus: number;
    readonly maxCpus: number;
    readonly minMemory: number;
    readonly maxMemory: number;
  };
  readonly rosetta: 'not-supported' | 'not-installed' | 'installed';
  readonly bridgedInterfaces: readonly { readonly identifier: string; readonly name: string | null }[];
  readonly features: readonly Feature[];
}
