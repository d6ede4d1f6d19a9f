import type { Machine } from '../driver/driver.ts';

/**
 * Milliseconds: how long a guest may take to power off, and how long after it broke the connection off on its way. systemd, which
 * gives every service up to 90 s, is done in a second on hardware and in half a minute under emulation.
 */
const PATIENCE = { agent: 10_000, systemd: 100_000, afterFailure: 500 };

/** How long a guest with this kernel command line gets to power off. */
export function patienceFor(cmdline: string): number {
  return cmdline.split(' ').includes('vzshell.init=systemd') ? PATIENCE.systemd : PATIENCE.agent;
}

/**
 * Stops a machine: the agent first (commands are told, volumes unmounted), then the driver. No ACPI rung: a bare init ignores
 * the power button, and arm64 has none. Resolves when the machine is gone; never rejects, because every caller is already
 * cleaning up. `agent` is null when it cannot help any more; `forced` cuts its turn short.
 */
export async function powerOff(
  machine: Machine,
  agent: { shutdown(): Promise<unknown> } | null,
  forced: AbortSignal,
  patience: number,
): Promise<void> {
  if (agent !== null && !forced.aborted && (await byAgent(machine, agent, forced, patience))) return;
  try {
    await machine.stop();
  } catch (error) {
    console.error('stopping the machine:', error);
  }
  await machine.stopped;
}

/** True when the machine is gone within the time that it had. */
async function byAgent(
  machine: Machine,
  agent: { shutdown(): Promise<unknown> },
  forced: AbortSignal,
  patience: number,
): Promise<boolean> {
  machine.expectShutdown();
  return new Promise<boolean>((resolve) => {
    let timer = setTimeout(() => settle(false), patience);
    const settle = (gone: boolean): void => {
      clearTimeout(timer);
      forced.removeEventListener('abort', giveUp);
      resolve(gone);
    };
    const giveUp = (): void => settle(false);
    forced.addEventListener('abort', giveUp);
    void machine.stopped.then(() => settle(true));
    agent.shutdown().catch(() => {
      // It may have powered off before its answer was out, so the machine gets a moment.
      clearTimeout(timer);
      timer = setTimeout(() => settle(false), Math.min(patience, PATIENCE.afterFailure));
    });
  });
}
