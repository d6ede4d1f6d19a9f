// The agent's operations as types: guest/CONTRACT.md, sections 2 to 5, in its order. What comes from the guest is checked before
// it is believed (see decode.ts); these types are what remains after that.

import type { Arch } from '../driver/driver.ts';

/** What the host sends once per boot. */
export interface Configure {
  readonly hostname: string;
  readonly unixMs: number;
  readonly timezone?: string;
  readonly user: GuestUser;
  readonly shares: readonly { readonly tag: string; readonly target: string; readonly readOnly: boolean }[];
  /** Inodes of shares that the host can bear in the guest's memory. Absent: as many as there is room for. */
  readonly shareLimit?: number;
  readonly volume: { readonly serial: string; readonly uuid: string; readonly format: boolean } | null;
  readonly tmpfsStore: boolean;
  /** Absent: the image's store and the volume. */
  readonly store?: {
    readonly image: string;
    readonly host: HostStoreLayer | null;
    /** A binary cache of the host: its port on vsock, and on the guest's 127.0.0.1. */
    readonly cache?: { readonly port: number } | null;
  };
  readonly network: 'nat' | 'none';
  readonly nix: { readonly conf: string };
  readonly env: Readonly<Record<string, string>>;
}

/** The host's Nix store below the image's: two shares, and what the database of the second says. */
export interface HostStoreLayer extends HostStoreSnapshot {
  readonly tag: string;
  readonly databaseTag: string;
  /** Tells one host store from another. */
  readonly id: string;
}

/** The host's store at one moment. Its database is `<generation>.sqlite` in the share. */
export interface HostStoreSnapshot {
  /** 16 hex digits. */
  readonly generation: string;
  /** Names of the host's lock files, which a guest must not see. */
  readonly locks: readonly string[];
}

export interface GuestUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly group: string;
  readonly home: string;
  readonly shell: string;
}

export interface ConfigureResult {
  readonly uptimeMs: number;
  readonly nixVersion: string;
  readonly home: string;
}

/** A line of the event connection. */
export type AgentEvent =
  | {
      readonly event: 'hello';
      readonly protocol: number;
      readonly version: string;
      readonly arch: Arch;
      readonly bootMs: number;
    }
  | { readonly event: 'phase'; readonly phase: string; readonly uptimeMs: number }
  | { readonly event: 'streams'; readonly active: number; readonly opened: number }
  | { readonly event: 'trimmed'; readonly before: number; readonly after: number }
  | { readonly event: 'stopping'; readonly reason: string };

/** START of `exec`. */
export interface ExecStart {
  readonly op: 'exec';
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string | null>>;
  readonly clearEnv?: boolean;
  readonly cwd?: string;
  readonly user?: string;
  readonly pty?: { readonly cols: number; readonly rows: number; readonly term: string };
  readonly stdin?: boolean;
  readonly timeoutMs?: number;
  readonly killSignal?: string;
  readonly requires?: readonly string[];
  readonly tempDir?: readonly string[];
  readonly files?: readonly { readonly fd: number; readonly data: string }[];
}

export interface ExecExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
}

export type StreamStart =
  | ExecStart
  | {
      readonly op: 'connect';
      readonly port?: number;
      readonly host?: string;
      readonly path?: string;
      readonly user?: string;
    }
  | { readonly op: 'put'; readonly path: string; readonly user?: string }
  | { readonly op: 'get'; readonly path: string; readonly user?: string }
  | {
      readonly op: 'readFile';
      readonly path: string;
      readonly offset?: number;
      readonly length?: number;
      readonly user?: string;
    }
  | {
      readonly op: 'writeFile';
      readonly path: string;
      readonly mode?: number;
      readonly flag?: 'w' | 'a' | 'wx';
      readonly user?: string;
    };

export type FileType = 'file' | 'dir' | 'symlink' | 'socket' | 'fifo' | 'char' | 'block';

export interface GuestStat {
  readonly type: FileType;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  readonly nlink: number;
  readonly ino: number;
}

export interface GuestStats {
  readonly uptimeMs: number;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly load1: number;
  readonly processes: number;
  readonly streams: number;
  readonly volume: { readonly totalBytes: number; readonly freeBytes: number } | null;
  /** Inodes of shares that the guest's kernel remembers; null where it does not tell. */
  readonly shareInodes: number | null;
}
