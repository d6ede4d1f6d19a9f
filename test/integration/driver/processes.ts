import { readdirSync, readFileSync } from 'node:fs';

/** Living processes with this path in their command line or as their working directory's name in it. */
export function processesOf(path: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return argv.includes(path) ? [`${pid}: ${argv.slice(0, 160)}`] : [];
    } catch {
      return [];
    }
  });
}

/**
 * Resolves when no process names this path any more. No event tells of processes that are nobody's children, so this looks;
 * it gives up, and says what is left, after a deadline.
 */
export async function untilNoProcess(path: string, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const left = processesOf(path);
    if (left.length === 0) return;
    if (performance.now() > end) throw new Error(`still running after ${deadlineMs} ms:\n${left.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
