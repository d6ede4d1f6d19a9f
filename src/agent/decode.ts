// What the guest says, checked. Every decoder takes parsed JSON of unknown shape and returns plain data, or throws ProtocolError:
// types are exact, numbers are in range, strings are bounded, and what is meant for people is safe to print.

import { escapeLine } from './escape.ts';
import type { AgentEvent, ConfigureResult, ExecExit, FileType, GuestStat, GuestStats } from './operations.ts';
import { ProtocolError } from './protocol.ts';
import { isSignal } from './signals.ts';

export { escapeForTerminal, escapeLine } from './escape.ts';

/** Longest path that is believed, in characters. Linux has 4096 bytes. */
const MAX_PATH = 4096;
const FILE_TYPES: readonly string[] = [
  'file',
  'dir',
  'symlink',
  'socket',
  'fifo',
  'char',
  'block',
] satisfies FileType[];

type Fields = Readonly<Record<string, unknown>>;

/** JSON of the guest, as an object. */
export function parseObject(bytes: Buffer | string, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw new ProtocolError(`${what} is not JSON`);
  }
  return fields(value, what);
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProtocolError(`${what} is not an object`);
  return value as Fields;
}

function own(from: Fields, name: string): unknown {
  return Object.hasOwn(from, name) ? from[name] : undefined;
}

function number(from: Fields, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = own(from, name);
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new ProtocolError(`"${name}" is not a number in range`);
  return value;
}

function integer(from: Fields, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = number(from, name, min, max);
  if (!Number.isInteger(value)) throw new ProtocolError(`"${name}" is not a whole number`);
  return value;
}

function boolean(from: Fields, name: string): boolean {
  const value = own(from, name);
  if (typeof value !== 'boolean') throw new ProtocolError(`"${name}" is not true or false`);
  return value;
}

function string(from: Fields, name: string, limit: number): string {
  const value = own(from, name);
  if (typeof value !== 'string' || value.length > limit)
    throw new ProtocolError(`"${name}" is not a text of at most ${limit} characters`);
  return value;
}

/** A text for people. */
function label(from: Fields, name: string, limit = 256): string {
  return escapeLine(string(from, name, limit), limit);
}

function list(from: Fields, name: string): readonly unknown[] {
  const value = own(from, name);
  if (!Array.isArray(value)) throw new ProtocolError(`"${name}" is not a list`);
  return value;
}

function path(from: Fields, name: string): string {
  const value = string(from, name, MAX_PATH);
  if (value.includes('\0')) throw new ProtocolError(`"${name}" is not a path`);
  return value;
}

export interface Started {
  readonly pid: number | null;
  readonly type: FileType | null;
  readonly size: number | null;
}

export function decodeStarted(payload: Buffer): Started {
  const from = parseObject(payload, 'STARTED');
  return {
    pid: own(from, 'pid') === undefined ? null : integer(from, 'pid', 1, 2 ** 31),
    type: own(from, 'type') === undefined ? null : fileType(from),
    size: own(from, 'size') === undefined ? null : integer(from, 'size'),
  };
}

/** The bytes that a TAKEN frame is about. */
export function decodeTaken(payload: Buffer): number {
  if (payload.length !== 4) throw new ProtocolError(`TAKEN has ${payload.length} bytes instead of 4`);
  return payload.readUInt32BE(0);
}

export function decodeExecExit(payload: Buffer): ExecExit {
  const from = parseObject(payload, 'EXIT');
  const code = own(from, 'code') === null ? null : integer(from, 'code', 0, 255);
  const signal = own(from, 'signal') === null ? null : string(from, 'signal', 16);
  if (signal !== null && !isSignal(signal) && !/^SIG\d{2}$/.test(signal))
    throw new ProtocolError('EXIT names no signal');
  if ((code === null) === (signal === null)) throw new ProtocolError('EXIT must have either a code or a signal');
  return { code, signal: signal as NodeJS.Signals | null, timedOut: boolean(from, 'timedOut') };
}

/** EXIT of `put` and `get`. */
export function decodeEntries(payload: Buffer): { readonly entries: number } {
  return { entries: integer(parseObject(payload, 'EXIT'), 'entries') };
}

export interface AgentRefusal {
  readonly code: string;
  readonly message: string;
}

/** Payload of ERROR. A code that cannot be one becomes `internal`, so that a refusal always says something. */
export function decodeError(value: unknown): AgentRefusal {
  const from = fields(value, 'ERROR');
  const code = string(from, 'code', 64);
  if (!/^[A-Za-z0-9-]+$/.test(code)) throw new ProtocolError('ERROR has no proper code');
  return { code, message: label(from, 'message', 4096) };
}

export interface Hello {
  readonly protocol: number;
  readonly version: string;
  readonly arch: 'arm64' | 'x86_64';
  readonly kernel: string;
  readonly uptimeMs: number;
  readonly configured: boolean;
}

export function decodeHello(from: Fields): Hello {
  return {
    protocol: integer(from, 'protocol'),
    version: label(from, 'version'),
    arch: arch(from),
    kernel: label(from, 'kernel'),
    uptimeMs: number(from, 'uptimeMs'),
    configured: boolean(from, 'configured'),
  };
}

export function decodeConfigured(from: Fields): ConfigureResult {
  const home = path(from, 'home');
  if (!home.startsWith('/')) throw new ProtocolError('"home" is not an absolute path');
  return { uptimeMs: number(from, 'uptimeMs'), nixVersion: label(from, 'nixVersion'), home };
}

export function decodeTime(from: Fields): { readonly adjusted: boolean; readonly driftMs: number } {
  return { adjusted: boolean(from, 'adjusted'), driftMs: number(from, 'driftMs', -Number.MAX_SAFE_INTEGER) };
}

export interface ListeningPort {
  readonly port: number;
  readonly address: string;
  readonly protocol: 'tcp';
}

export function decodePorts(from: Fields): readonly ListeningPort[] {
  return list(from, 'ports').map((entry) => {
    const one = fields(entry, 'a port');
    return { port: integer(one, 'port', 1, 65535), address: label(one, 'address', 64), protocol: 'tcp' };
  });
}

export function decodeStats(from: Fields): GuestStats {
  const memory = fields(own(from, 'memory'), '"memory"');
  const volume = own(from, 'volume') === null ? null : fields(own(from, 'volume'), '"volume"');
  return {
    uptimeMs: number(from, 'uptimeMs'),
    memory: { totalBytes: integer(memory, 'totalBytes'), availableBytes: integer(memory, 'availableBytes') },
    load1: number(from, 'load1'),
    processes: integer(from, 'processes'),
    streams: integer(from, 'streams'),
    // Agents before it was counted say nothing.
    shareInodes: (own(from, 'shareInodes') ?? null) === null ? null : integer(from, 'shareInodes'),
    volume: volume && { totalBytes: integer(volume, 'totalBytes'), freeBytes: integer(volume, 'freeBytes') },
  };
}

export function decodeStat(from: Fields): GuestStat {
  return {
    type: fileType(from),
    size: integer(from, 'size'),
    mode: integer(from, 'mode', 0, 0o7777),
    uid: integer(from, 'uid', 0, 2 ** 32 - 1),
    gid: integer(from, 'gid', 0, 2 ** 32 - 1),
    mtimeMs: number(from, 'mtimeMs', -Number.MAX_SAFE_INTEGER),
    nlink: integer(from, 'nlink'),
    // Inode numbers of some file systems use all 64 bits; JSON has them rounded.
    ino: number(from, 'ino', 0, 2 ** 64),
  };
}

export interface DirectoryEntry {
  readonly name: string;
  /** The name's bytes where they are not UTF-8; `name` then has U+FFFD in their place. */
  readonly nameBytes: Buffer | null;
  readonly type: FileType;
}

/** A host script joins these names to paths, so a name that is more than a name is refused. */
export function decodeDirectory(from: Fields): readonly DirectoryEntry[] {
  return list(from, 'entries').map((entry) => {
    const one = fields(entry, 'a directory entry');
    const encoded = own(one, 'nameBase64') === undefined ? null : Buffer.from(string(one, 'nameBase64', 512), 'base64');
    const name = encoded === null ? string(one, 'name', 255) : encoded.toString();
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
      throw new ProtocolError('a directory entry has no proper name');
    return { name, nameBytes: encoded, type: fileType(one) };
  });
}

/** The target of a link: data, never followed by the host. */
export function decodeTarget(from: Fields): string {
  return path(from, 'target');
}

/** A line of the event connection. */
export function decodeEvent(line: Buffer): AgentEvent {
  const from = parseObject(line, 'an event');
  const event = string(from, 'event', 32);
  switch (event) {
    case 'hello':
      return {
        event,
        protocol: integer(from, 'protocol'),
        version: label(from, 'version'),
        arch: arch(from),
        bootMs: number(from, 'bootMs'),
      };
    case 'phase':
      return { event, phase: label(from, 'phase', 32), uptimeMs: number(from, 'uptimeMs') };
    case 'streams':
      return { event, active: integer(from, 'active'), opened: integer(from, 'opened') };
    case 'trimmed':
      return { event, before: integer(from, 'before'), after: integer(from, 'after') };
    case 'stopping':
      return { event, reason: label(from, 'reason', 1024) };
    default:
      throw new ProtocolError(`unknown event "${escapeLine(event)}"`);
  }
}

function arch(from: Fields): 'arm64' | 'x86_64' {
  const value = string(from, 'arch', 16);
  if (value !== 'arm64' && value !== 'x86_64') throw new ProtocolError(`unknown architecture "${escapeLine(value)}"`);
  return value;
}

function fileType(from: Fields): FileType {
  const value = string(from, 'type', 16);
  if (!FILE_TYPES.includes(value)) throw new ProtocolError(`unknown file type "${escapeLine(value)}"`);
  return value as FileType;
}
