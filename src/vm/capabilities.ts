import { selectDriver } from '../driver/select.ts';
import { VzshellError } from '../errors.ts';
import { hostArch } from './options.ts';
import type { HostCapabilities } from './types.ts';

/** What this host can do for guests of its own architecture. Never rejects for something missing. */
export async function capabilities(): Promise<HostCapabilities> {
  try {
    const { driver, usable, accelerator, acceleratorNote, missing, programs } = await selectDriver('auto').probe(
      hostArch(),
    );
    return { driver, usable, accelerator, acceleratorNote, missing, programs };
  } catch (error) {
    if (!(error instanceof VzshellError) || error.code !== 'ERR_UNSUPPORTED') throw error;
    const missing = [{ what: 'a driver for this platform', why: error.message, fix: error.hint ?? 'none' }];
    return { driver: null, usable: false, accelerator: null, acceleratorNote: null, missing, programs: [] };
  }
}
