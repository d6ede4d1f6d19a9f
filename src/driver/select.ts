// Which driver runs machines on this host.

import { VzshellError } from '../errors.ts';
import type { Driver, DriverName } from './driver.ts';
import { createQemuDriver, type QemuDriverOptions } from './qemu/driver.ts';
import { vzDriver } from './vz/driver.ts';
import { probeThroughExecutable } from './vz/remote.ts';

/** The driver of that name; `auto` is the one that belongs to this platform. */
export function selectDriver(name: 'auto' | DriverName, options: QemuDriverOptions = {}): Driver {
  const wanted = name === 'auto' ? (process.platform === 'darwin' ? 'vz' : 'qemu') : name;
  if (wanted === 'qemu' && process.platform === 'linux') return createQemuDriver(options);
  if (wanted === 'qemu') {
    throw new VzshellError('ERR_UNSUPPORTED', `the qemu driver runs on Linux only, this is ${process.platform}`, {
      hint: "leave the driver at 'auto'",
    });
  }
  // The addon is for supervisors alone: probing is done by the executable, and whoever starts a machine is one.
  if (wanted === 'vz') return { ...vzDriver, probe: probeThroughExecutable };
  throw new VzshellError('ERR_INVALID_OPTION', `driver: expected 'auto', 'qemu' or 'vz', got '${String(name)}'`);
}
