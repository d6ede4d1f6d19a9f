import type { ShareUse } from '../driver.ts';
import { openFileLimit, openFiles } from '../open-files.ts';

/** Of the processes that serve the shares of a machine. */
export function shareUseOf(pids: readonly number[]): ShareUse | null {
  const open = pids.map(openFiles).filter((count) => count !== null);
  const limits = pids.map((pid) => openFileLimit(pid, 'soft')).filter((limit) => limit !== null);
  if (pids.length === 0) return null;
  return {
    limit: limits.length === 0 ? null : Math.min(...limits),
    open: open.length === 0 ? null : Math.max(...open),
  };
}
