import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, posix } from 'node:path';
import { VzshellError } from '../errors.ts';
import type { Mount } from './types.ts';

/** A mount with nothing left open. */
export interface ResolvedMount {
  /** Real path on the host. */
  readonly source: string;
  /** Normal absolute path in the guest. */
  readonly target: string;
  readonly readonly: boolean;
}

/** Directories that make the guest what it is: neither they nor anything in them can be a host directory. */
const GUARDED = ['/nix', '/proc', '/sys', '/dev', '/run', '/etc', '/boot', '/bin', '/sbin', '/lib', '/lib64'];
/** Directories that hold others' things too: something in them may be mounted, they themselves may not. */
const SHARED = ['/', '/usr', '/usr/bin', '/usr/lib', '/usr/local', '/usr/sbin', '/usr/share', '/var', '/tmp', '/home'];
const MAX_MOUNTS = 16;

/** Checks and completes the `mounts` option: each source a directory, each target a place where one may be. */
export function resolveMounts(mounts: readonly Mount[]): ResolvedMount[] {
  if (mounts.length > MAX_MOUNTS) throw invalid(`at most ${MAX_MOUNTS} mounts, got ${mounts.length}`);
  const resolved: ResolvedMount[] = [];
  for (const mount of mounts) {
    const next = {
      source: sourceDirectory(mount.source),
      target: guestTarget(mount.target ?? mount.source),
      readonly: mount.readonly ?? false,
    };
    for (const other of resolved) checkApart(other, next);
    resolved.push(next);
  }
  return resolved;
}

function sourceDirectory(source: string): string {
  if (!isAbsolute(source)) throw invalid(`the source ${quote(source)} is not absolute`);
  try {
    const real = realpathSync(source);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${message}`;
    throw invalid(`the source ${quote(source)} ${why}`, error);
  }
  throw new VzshellError(
    'ERR_INVALID_OPTION',
    `mounts: the source ${quote(source)} is a file, only directories can be mounted`,
    {
      hint: 'mount the directory that it is in, or copy the file with copyIn',
    },
  );
}

function guestTarget(target: string): string {
  if (!posix.isAbsolute(target) || target.includes('\0')) throw invalid(`the target ${quote(target)} is not absolute`);
  const normal = posix.normalize(target).replace(/(.)\/+$/, '$1');
  const guarded = GUARDED.find((directory) => normal === directory || normal.startsWith(`${directory}/`));
  if (guarded === undefined && !SHARED.includes(normal)) return normal;
  throw new VzshellError(
    'ERR_INVALID_OPTION',
    `mounts: nothing can be mounted on ${quote(normal)}: the guest's own system is there`,
    {
      hint: 'choose another target, such as one below the home directory or /mnt',
    },
  );
}

/** Two mounts must not show the same files twice, nor lie in one another: each side would cache what the other changes. */
function checkApart(a: ResolvedMount, b: ResolvedMount): void {
  if (a.target === b.target)
    throw invalid(`two directories on ${quote(a.target)}: ${quote(a.source)} and ${quote(b.source)}`);
  if (inside(a.target, b.target) || inside(b.target, a.target)) {
    const [inner, outer] = inside(a.target, b.target) ? [a, b] : [b, a];
    throw invalid(`the target ${quote(inner.target)} is inside another mount, ${quote(outer.target)}`);
  }
  if (a.source === b.source)
    throw invalid(`${quote(a.source)} is mounted twice, on ${quote(a.target)} and ${quote(b.target)}`);
  if (inside(a.source, b.source) || inside(b.source, a.source)) {
    const [inner, outer] = inside(a.source, b.source) ? [a, b] : [b, a];
    const there = posix.join(outer.target, inner.source.slice(outer.source.length));
    throw invalid(
      `the source ${quote(inner.source)} is inside another mount, ${quote(outer.source)}: the guest has it as ${quote(there)}`,
    );
  }
}

function inside(inner: string, outer: string): boolean {
  return inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}

function invalid(message: string, cause?: unknown): VzshellError {
  return new VzshellError('ERR_INVALID_OPTION', `mounts: ${message}`, {
    ...(cause !== undefined && { cause }),
    details: { option: 'mounts' },
  });
}

/** As written, with control characters escaped: it may end on a terminal. */
function quote(path: unknown): string {
  return `'${JSON.stringify(String(path)).slice(1, -1)}'`;
}
