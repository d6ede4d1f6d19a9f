// The edge of the library: `VmOptions` are checked here, once, and become plain data with nothing left open.

import { availableParallelism, totalmem } from 'node:os';
import { posix } from 'node:path';
import type { GuestUser } from '../agent/operations.ts';
import type { MachineDevices } from '../driver/devices.ts';
import type { Arch, DriverName } from '../driver/driver.ts';
import { VzshellError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import { parseSize, SIZE_RULE } from '../project/quantity.ts';
import { isName, NAME_RULE } from '../state/names.ts';
import { guestUser, isUserName } from './host-user.ts';
import { type ResolvedMount, resolveMounts } from './mounts.ts';
import type { Bytes, Mount, VmOptions } from './types.ts';

export interface ResolvedOptions {
  /** Null: a random one, and the VM's directory goes with the VM. */
  readonly name: string | null;
  readonly image: string | null;
  readonly arch: Arch;
  /** Null: as suits the accelerator. */
  readonly cpus: number | null;
  readonly memory: number;
  readonly disk: number;
  /** Null: a throwaway one. */
  readonly volume: string | null;
  readonly mounts: readonly ResolvedMount[];
  readonly network: 'nat' | 'none';
  readonly store: 'auto' | 'host' | 'image';
  /** Checked when the machine's own disks and shares are known. */
  readonly devices: MachineDevices | null;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: GuestUser;
  readonly driver: 'auto' | DriverName;
  readonly accelerator: 'auto' | 'hardware' | 'emulation';
  /** Null: as suits the accelerator. */
  readonly startTimeout: number | null;
  readonly detached: boolean;
  readonly idleTimeout: number | null;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const MIN_MEMORY = 256 * MIB;
const MIN_DISK = 64 * MIB;
/** ext4 with 4 KiB blocks ends there. */
const MAX_DISK = 16 * 1024 * GIB;
const IDLE_TIMEOUT = 15 * 60_000;
/** Milliseconds; a longer timer would overflow and fire at once. */
const MAX_TIMER = 2 ** 31 - 1;

interface Check {
  /** What is taken, for the message. */
  readonly rule: string;
  readonly ok: (value: never) => boolean;
}

const CORES = availableParallelism();
const MEMORY_RULE = `${SIZE_RULE} or bytes, from 256 MiB to the ${Math.floor(totalmem() / MIB)} MiB of this host`;
const isDuration = (value: unknown): boolean => typeof value === 'number' && value > 0 && value <= MAX_TIMER;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && !value.includes('\0');
const isId = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32 - 1;

const CPUS = {
  rule: `a whole number from 1 to ${CORES}, the cores of this host`,
  ok: (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= CORES,
};

/** One line an option, in the order of the types. */
const CHECKS: { readonly [key in keyof VmOptions]-?: Check } = {
  name: { rule: NAME_RULE, ok: (value) => typeof value === 'string' && isName(value) },
  image: { rule: "the path of a guest image's manifest.json, npm:NAME@VERSION, a URL or an image's id", ok: isText },
  arch: oneOf('arm64', 'x86_64'),
  cpus: CPUS,
  memory: { rule: MEMORY_RULE, ok: (value) => within(value, MIN_MEMORY, totalmem()) },
  disk: { rule: `${SIZE_RULE} or bytes, from 64 MiB to 16 TiB`, ok: (value) => within(value, MIN_DISK, MAX_DISK) },
  volume: { rule: NAME_RULE, ok: (value) => typeof value === 'string' && isName(value) },
  mounts: {
    rule: 'a list of { source, target?, readonly? }',
    ok: isMountList,
  },
  network: oneOf('nat', 'none'),
  store: oneOf('auto', 'host', 'image'),
  devices: { rule: 'an object of devices', ok: (value) => typeof value === 'object' && value !== null },
  env: { rule: 'an object of names and texts, without NUL', ok: isEnvironment },
  workdir: { rule: 'an absolute path in the guest', ok: (value) => isText(value) && posix.isAbsolute(value) },
  user: { rule: 'an object with the name, uid and gid of a Linux user', ok: isUser },
  driver: oneOf('auto', 'qemu', 'vz'),
  accelerator: oneOf('auto', 'hardware', 'emulation'),
  startTimeout: { rule: 'a positive number of milliseconds', ok: isDuration },
  detached: { rule: 'true or false', ok: (value) => typeof value === 'boolean' },
  idleTimeout: {
    rule: 'a positive number of milliseconds, or null for never',
    ok: (value) => value === null || isDuration(value),
  },
  onProgress: { rule: 'a function', ok: (value) => typeof value === 'function' },
  signal: { rule: 'an AbortSignal', ok: (value) => (value as unknown) instanceof AbortSignal },
};

/** Checks options that anybody may have written, TypeScript or not, and fills in the defaults. */
export function resolveOptions(options: VmOptions): ResolvedOptions {
  checkOptions(options);
  const user = guestUser(options.user);
  return {
    name: options.name ?? null,
    image: options.image ?? null,
    arch: options.arch ?? hostArch(),
    cpus: options.cpus ?? null,
    memory: wholeMib(options.memory === undefined ? Math.min(2 * GIB, totalmem() / 2) : toBytes(options.memory)),
    disk: wholeMib(toBytes(options.disk ?? 64 * GIB)),
    volume: options.volume ?? null,
    mounts: resolveMounts(options.mounts ?? []),
    network: options.network ?? 'nat',
    store: options.store ?? 'auto',
    devices: options.devices ?? null,
    env: { ...options.env },
    workdir: posix.normalize(options.workdir ?? user.home),
    user,
    driver: options.driver ?? 'auto',
    accelerator: options.accelerator ?? 'auto',
    startTimeout: options.startTimeout ?? null,
    detached: options.detached ?? false,
    idleTimeout: options.idleTimeout === undefined ? IDLE_TIMEOUT : options.idleTimeout,
  };
}

/** The architecture of this host, in our words. */
export function hostArch(): Arch {
  return process.arch === 'arm64' ? 'arm64' : 'x86_64';
}

/**
 * How many cpus a guest gets that asked for none: `VZSHELL_CPUS`, or what is best where it is alone on the host. Of emulated ones two are
 * at work at once, which starts a guest sooner; QEMU emulates x86 on arm64 in one thread.
 */
export function defaultCpus(
  emulated: boolean,
  arch: Arch,
  wanted: string | undefined = process.env.VZSHELL_CPUS,
): number {
  if (wanted !== undefined && wanted !== '') {
    const number = Number(wanted);
    if (CPUS.ok(number)) return number;
    throw new VzshellError('ERR_INVALID_OPTION', `VZSHELL_CPUS has to be ${CPUS.rule}; it is '${wanted}'`);
  }
  if (!emulated) return Math.min(4, CORES);
  return arch === 'x86_64' && hostArch() === 'arm64' ? 1 : Math.min(2, CORES);
}

/** Milliseconds of `startTimeout` where none was given. */
export function defaultStartTimeout(emulated: boolean): number {
  return emulated ? 180_000 : 60_000;
}

function checkOptions(options: VmOptions): void {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) {
      const near = nearest(name, Object.keys(CHECKS));
      const hint = near === null ? `the options are ${Object.keys(CHECKS).join(', ')}` : `did you mean '${near}'?`;
      throw new VzshellError('ERR_INVALID_OPTION', `there is no option '${name}'`, { hint, details: { option: name } });
    }
    const check = CHECKS[name as keyof VmOptions];
    if (value !== undefined && !check.ok(value as never)) throw invalid(name, check.rule, value);
  }
}

function invalid(option: string, rule: string, value: unknown): VzshellError {
  const message = `expected the '${option}' option to be ${rule}, got ${show(value)}`;
  return new VzshellError('ERR_INVALID_OPTION', message, { details: { option } });
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text =
    typeof value === 'string' ? `'${JSON.stringify(value).slice(1, -1)}'` : (JSON.stringify(value) ?? String(value));
  return `${text.length > 200 ? `${text.slice(0, 200)}…` : text} (${value === null ? 'null' : typeof value})`;
}

function oneOf(...values: readonly string[]): Check {
  return { rule: values.map((value) => `'${value}'`).join(' or '), ok: (value: string) => values.includes(value) };
}

function within(value: unknown, least: number, most: number): boolean {
  if (typeof value !== 'number' && typeof value !== 'string') return false;
  const bytes = toBytes(value as Bytes);
  return Number.isSafeInteger(bytes) && bytes >= least && bytes <= most;
}

function toBytes(value: Bytes): number {
  return typeof value === 'number' ? value : (parseSize(value) ?? Number.NaN);
}

function wholeMib(bytes: number): number {
  return Math.floor(bytes / MIB) * MIB;
}

function isMountList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isMount);
}

function isMount(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { source, target, readonly, ...rest } = value as Record<keyof Mount, unknown>;
  const flag = readonly === undefined || typeof readonly === 'boolean';
  return isText(source) && (target === undefined || isText(target)) && flag && Object.keys(rest).length === 0;
}

function isEnvironment(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(
    ([name, text]) => isText(name) && !name.includes('=') && typeof text === 'string' && !text.includes('\0'),
  );
}

function isUser(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, uid, gid } = value as Record<string, unknown>;
  return typeof name === 'string' && isUserName(name) && isId(uid) && isId(gid);
}
