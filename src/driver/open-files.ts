import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Descriptors that a process has open; null when it is gone, or not ours to look at. Linux. */
export function openFiles(pid: number): number | null {
  const directory = `/proc/${pid}/fd`;
  try {
    // Kernels before 6.2 say 0, and the entries have to be counted.
    return statSync(directory).size || readdirSync(directory).length;
  } catch {
    return null;
  }
}

/** Descriptors that a process may have open; null where that is not told. `hard`: as far as it can raise that itself. Linux. */
export function openFileLimit(pid: number | 'self', kind: 'soft' | 'hard'): number | null {
  let limits: string;
  try {
    limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
  } catch {
    return null;
  }
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(limits) ?? [];
  const limit = kind === 'soft' ? soft : hard;
  if (limit === 'unlimited') return Number.MAX_SAFE_INTEGER;
  return limit === undefined ? null : Number(limit);
}
