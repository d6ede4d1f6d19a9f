// The driver's part of the stop ladder. The guest's own shutdown comes before it and is the caller's; there is no ACPI rung,
// because a bare init ignores the power button, and an arm64 guest has none.

import { within } from '../within.ts';
import type { Child } from './child.ts';
import type { Qmp } from './qmp.ts';

/** Milliseconds for each to go by itself. QEMU takes 25, virtiofsd 30 after it. */
const PATIENCE = { quit: 2_000, daemon: 1_000 };

/** QMP `quit`, which flushes the disks, then SIGKILL. Resolves when QEMU is gone; never rejects, for callers are cleaning up. */
export async function stopQemu(qemu: Child, qmp: Qmp | null): Promise<void> {
  if (qmp !== null) {
    // The answer may be lost in QEMU's going.
    qmp.execute('quit').catch(() => undefined);
    if (await within(PATIENCE.quit, qemu.exit)) return;
  }
  qemu.kill();
  await qemu.exit;
}

/** Ends what served QEMU, after it is gone. virtiofsd goes when its connection closes; vhost-device-vsock never does. */
export async function stopDaemons(shares: readonly Child[], vsock: Child | null): Promise<void> {
  vsock?.kill();
  await Promise.all(
    shares.map(async (share) => {
      if (await within(PATIENCE.daemon, share.exit)) return;
      share.kill();
      await share.exit;
    }),
  );
  await vsock?.exit;
}
