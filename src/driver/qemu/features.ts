// What this driver offers of the device catalogue: what every vzshell machine has, and pause. The rest is for Macs.

import { VzshellError } from '../../errors.ts';
import type { MachineSpec } from '../driver.ts';
import { FEATURES, type Feature, type FeatureName } from '../features.ts';

const OFFERED: readonly FeatureName[] = ['boot-linux', 'virtio-block', 'nat', 'virtiofs', 'vsock', 'pause'];
const WHY = 'the qemu driver does not offer it; the vz driver (macOS) does';

export const qemuFeatures: readonly Feature[] = FEATURES.map((name) => {
  const available = OFFERED.includes(name);
  return { name, available, why: available ? null : WHY };
});

/** Throws ERR_UNSUPPORTED, naming the option, for what a spec asks of this driver in vain. */
export function refuseUnsupported({ devices = {}, restoreFrom }: MachineSpec): void {
  const asked = Object.entries(devices).find(([, value]) => value !== undefined && value !== false);
  if (asked !== undefined) throw unsupported(`devices.${asked[0]}`);
  if (restoreFrom !== undefined) throw unsupported('restoreFrom');
}

/** The error for an option or a method that this driver lacks. */
export function unsupported(what: string): VzshellError {
  return new VzshellError('ERR_UNSUPPORTED', `${what}: ${WHY}`, { details: { option: what } });
}
