// The public declarations that are data. Every duration is in milliseconds, every size in bytes unless it names its unit.

import type { Readable, Writable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { MachineDevices } from '../driver/devices.ts';
import type { Arch, DriverName, Missing } from '../driver/driver.ts';
import type { VzshellError } from '../errors.ts';

/** Bytes, as a number or with a unit: `'2GiB'`. */
export type Bytes = number | `${number}${'KiB' | 'MiB' | 'GiB' | 'TiB'}`;

export interface Abortable {
  /** Aborts the call; it then rejects with `signal.reason`, untouched. */
  readonly signal?: AbortSignal;
}

/** A host directory in the guest. */
export interface Mount {
  /** Absolute path of a directory on the host. */
  readonly source: string;
  /** Absolute path in the guest. Default: `source`. */
  readonly target?: string;
  /** Enforced on the host's side. Default: false. */
  readonly readonly?: boolean;
}

export interface VmOptions extends Abortable {
  /** Unique among living VMs; letters, digits, `-`, `_`, `.`, at most 64. Default: random. */
  readonly name?: string;
  /**
   * Path of a guest image's `manifest.json`, `npm:NAME@VERSION`, the URL of a manifest, or the id of an image that was fetched. Default:
   * the image pinned with the package. One that is not on this host is fetched; `onProgress` tells how far that is.
   */
  readonly image?: string;
  /** Guest architecture. Default: the host's. Another one is emulated. */
  readonly arch?: Arch;
  /** Default: the host's cores, at most 4; 2 under emulation. */
  readonly cpus?: number;
  /** Default: 2 GiB, at most half of the host's memory. */
  readonly memory?: Bytes;
  /** Size limit of a new volume, sparse on the host. Default: 64 GiB. */
  readonly disk?: Bytes;
  /** Name of the volume that holds `/nix`. Default: a throwaway one, deleted with the VM. */
  readonly volume?: string;
  readonly mounts?: readonly Mount[];
  /** Default: `'nat'`. */
  readonly network?: 'nat' | 'none';
  /**
   * The Nix store below the volume's: `'host'` puts this host's own under the image's, so that nothing of it is fetched or built
   * again; `'image'` has the image's alone. Default: `'auto'`, the host's where it can be used.
   */
  readonly store?: 'auto' | 'host' | 'image';
  /** Devices beside disks, shares, network and vsock, which every VM has. What this host's driver lacks is refused by name. */
  readonly devices?: MachineDevices;
  /** For every command in the guest. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default directory of commands. Default: the user's home in the guest. */
  readonly workdir?: string;
  /** The guest user. Default: the host user, with name, uid and gid. */
  readonly user?: { readonly name: string; readonly uid: number; readonly gid: number };
  /** Default: `'auto'`, which is `vz` on macOS and `qemu` on Linux. */
  readonly driver?: 'auto' | DriverName;
  /** Default: `'auto'`: hardware virtualization where it works, said aloud where it does not. */
  readonly accelerator?: 'auto' | 'hardware' | 'emulation';
  /** Until the guest agent has configured the guest. Default: 60 000, and 180 000 under emulation. */
  readonly startTimeout?: number;
  /** Outlive this process. Default: false. */
  readonly detached?: boolean;
  /** A detached VM stops after this long without a command; `null`: never. Default: 15 minutes. */
  readonly idleTimeout?: number | null;
  readonly onProgress?: (event: StartProgress) => void;
}

/**
 * Where a start is. `elapsed` counts from `Vm.create`. `note` is one line for people. `store` comes only where the host's Nix store
 * has to be looked through, which is the first time on a Mac.
 */
export interface StartProgress {
  readonly phase: 'image' | 'store' | 'boot' | 'agent' | 'mounts' | 'ready';
  readonly elapsed: number;
  readonly note?: string;
}

export type VmState = 'starting' | 'running' | 'stopping' | 'stopped';

/** A template value of `$`: each becomes exactly one argument, an array one argument an item. */
export type TemplateValue = string | number | readonly (string | number)[];

export interface SpawnOptions extends Abortable {
  /** Default: the VM's `workdir`. */
  readonly cwd?: string;
  /** Name or uid in the guest. Default: the VM's user. */
  readonly user?: string;
  /** Over the VM's; `undefined` unsets. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Enforced in the guest, on the whole process group. Default: none. */
  readonly timeout?: number;
  /** Sent at timeout and abort; SIGKILL follows 5 s later. Default: `'SIGTERM'`. */
  readonly killSignal?: NodeJS.Signals;
  /** A terminal: stdout and stderr are then one stream. */
  readonly pty?: boolean | { readonly cols: number; readonly rows: number; readonly term?: string };
}

export interface ExecOptions extends SpawnOptions {
  /** Given as stdin, then EOF. Default: no stdin. */
  readonly input?: string | Uint8Array | Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;
  /** Bytes of stdout, and of stderr, that are kept; more ends the command with an error. Default: 100 MiB. */
  readonly maxBuffer?: number;
  /** Reject on a non-zero exit, a signal, or a timeout. Default: true. */
  readonly reject?: boolean;
  /** Gets the bytes as they come, beside the buffer. */
  readonly stdout?: Writable;
  /** Gets the bytes as they come, beside the buffer. */
  readonly stderr?: Writable;
}

/** What a command did. `ExecError` has the same fields. */
export interface ExecResult {
  readonly command: readonly string[];
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Decoded as UTF-8; invalid bytes become U+FFFD. */
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;
  readonly durationMs: number;
  readonly timedOut: boolean;
}

export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
}

export interface OutputChunk {
  readonly from: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

/** A live command. Not thenable, on purpose: it can be returned from an async function. */
export interface GuestProcess extends AsyncDisposable {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Null with a pty. */
  readonly stderr: Readable | null;
  /** Rejects only when the VM or the connection is lost. */
  readonly exited: Promise<ProcessExit>;
  output(): AsyncIterable<OutputChunk>;
  /** Lines without their end, UTF-8 never split. Default: stdout. */
  lines(from?: 'stdout' | 'stderr'): AsyncIterable<string>;
  /** To the process group. Default: SIGTERM. Does nothing when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  resize(cols: number, rows: number): void;
}

/** The four ways to run something; a VM has them, and a dev shell has them. */
export interface Commands {
  /** Runs a program with arguments: PATH search in the guest, no shell. */
  exec(file: string, args?: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** Runs a script in a login shell (`bash -lc`). */
  sh(script: string, options?: ExecOptions): Promise<ExecResult>;
  /** Runs an argument template; nothing in it reaches a shell. */
  $(strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Promise<ExecResult>;
  /** Starts a program and gives it to you alive. */
  spawn(file: string, args?: readonly string[], options?: SpawnOptions): Promise<GuestProcess>;
}

export interface DevelopOptions extends Abortable {
  /** Directory of the flake in the guest. Default: the VM's `workdir`. */
  readonly flake?: string;
  /** `devShells.<system>.<shell>`. Default: `'default'`. */
  readonly shell?: string;
  readonly impure?: boolean;
  /** False evaluates anew. Default: true. */
  readonly cache?: boolean;
  /** Patterns of files, relative to the flake, whose change means a new evaluation; `*.nix` and flake.lock always do. */
  readonly watch?: readonly string[];
  readonly onProgress?: (line: string) => void;
  /** Called when an older environment is used because evaluation failed. */
  readonly onWarning?: (message: string) => void;
}

export interface DevShell extends Commands {
  readonly flake: string;
  /** The exported variables of the environment, PATH as the dev shell sets it. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the environment came from: `fallback` when evaluation failed and the last good one is used. */
  readonly from: 'cache' | 'evaluation' | 'fallback';
  /** An interactive shell in the dev shell, on this process's terminal. Resolves with its exit code. */
  shell(options?: SpawnOptions): Promise<number>;
}

export interface ForwardOptions extends Abortable {
  readonly guestPort: number;
  /** Default: a free one. */
  readonly hostPort?: number;
  /** Address to listen on. Default: `127.0.0.1`. */
  readonly host?: string;
}

export interface PortForward extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`. */
  readonly url: string;
  readonly closed: Promise<void>;
}

/** Something to connect to in the guest. */
export type GuestAddress = { readonly port: number; readonly host?: string } | { readonly path: string };

/** How a VM ended. */
export interface VmExit {
  readonly reason: 'stopped' | 'guest-shutdown' | 'idle' | 'owner-gone' | 'error';
  readonly error?: VzshellError;
}

/** What the guest's Nix store is made of. */
export interface StoreInfo {
  /** Bottom first. The volume's is above them all. */
  readonly layers: readonly ('host' | 'image' | 'volume')[];
  /** The host's store, when it is a layer: its directory, the paths a guest can use, and those it cannot. */
  readonly host: { readonly directory: string; readonly paths: number; readonly leftOut: number } | null;
  /** Why the host's store is not used although it may be; else null. */
  readonly reason: string | null;
}

export interface VmInfo {
  readonly id: string;
  readonly name: string;
  readonly state: VmState | 'broken';
  /** Why it is broken, else null. */
  readonly problem: string | null;
  readonly pid: number | null;
  readonly driver: DriverName | null;
  readonly accelerator: string | null;
  readonly arch: Arch | null;
  readonly cpus: number | null;
  readonly memory: number | null;
  readonly volume: string | null;
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly readonly: boolean }[];
  readonly store: StoreInfo | null;
  readonly workdir: string | null;
  /** ISO 8601. */
  readonly startedAt: string | null;
  readonly detached: boolean | null;
  readonly directory: string;
}

export interface HostCapabilities {
  readonly driver: DriverName | null;
  readonly usable: boolean;
  readonly accelerator: string | null;
  readonly acceleratorNote: string | null;
  readonly missing: readonly Missing[];
  readonly programs: readonly { readonly name: string; readonly path: string; readonly version: string }[];
}
