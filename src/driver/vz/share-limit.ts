import { execFileSync } from 'node:child_process';

/** Milliseconds; it takes 5. */
const PATIENCE = 2_000;

export interface FileLimits {
  /** Files that all processes of this Mac together may have open. */
  readonly all: number;
  /** Files that one process may have open. */
  readonly one: number;
}

/** What macOS grants; null where it does not say, or this is no Mac. */
export function macFileLimits(): FileLimits | null {
  if (process.platform !== 'darwin') return null;
  try {
    const names = ['kern.maxfiles', 'kern.maxfilesperproc'];
    return parseLimits(execFileSync('/usr/sbin/sysctl', ['-n', ...names], { timeout: PATIENCE, encoding: 'utf8' }));
  } catch {
    return null;
  }
}

/** Two lines: those of all, those of one. */
export function parseLimits(text: string): FileLimits | null {
  const [all = 0, one = 0] = text.trim().split(/\s+/).map(Number);
  return Number.isSafeInteger(all) && Number.isSafeInteger(one) && all > 0 && one > 0 ? { all, one } : null;
}

/**
 * Descriptors that one machine's shares may take. The framework serves all shares of a machine from one process; a Mac whose files
 * are used up, by whichever processes, goes down, so one machine gets no more than half of them.
 */
export function shareLimit(limits: FileLimits | null): number | null {
  return limits === null ? null : Math.min(limits.one, Math.floor(limits.all / 2));
}
