import { isAbsolute, join, posix, resolve } from 'node:path';
import { homeDirectory } from '../state/home.ts';
import type { Mount } from '../vm/types.ts';

/** What `parseMount` takes, for messages. */
export const MOUNT_RULE = 'SRC, SRC:DST or SRC:DST:ro, with an absolute DST';

/**
 * The mount that `SRC[:DST][:ro|:rw]` describes; null when it is none. A relative source counts from `base`, `~` is the home
 * directory. Without DST the source's own path is used. A colon in a path needs the object form of the settings file.
 */
export function parseMount(text: string, base: string): Mount | null {
  const parts = text.split(':');
  const mode = parts.length > 1 && /^r[ow]$/.test(parts.at(-1) ?? '') ? parts.pop() : undefined;
  const [source, target, ...rest] = parts;
  if (source === undefined || source === '' || rest.length > 0) return null;
  if (target !== undefined && !posix.isAbsolute(target)) return null;
  return mountOf({ source, ...(target !== undefined && { target }), readonly: mode === 'ro' }, base);
}

/** A mount with its source made absolute. */
export function mountOf(mount: { source: string; target?: string; readonly?: boolean }, base: string): Mount {
  const source = absolute(mount.source, base);
  return { source, target: mount.target ?? source, readonly: mount.readonly ?? false };
}

/** `path` as seen from `base`, with `~` for the home directory. */
export function absolute(path: string, base: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homeDirectory(), path.slice(1));
  return isAbsolute(path) ? resolve(path) : resolve(base, path);
}
