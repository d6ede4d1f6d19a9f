// Which driver runs machines on this host.

import { VzshellError } from '../errors.ts';
import type { Driver, DriverName } from './driver.ts';
import { createQemuDriver, type QemuDriverOptions } from './qemu/driver.ts';
import { vzDriver } from './vz/driver.ts';
import { probeThroughExecutable } from './vz/remote.ts';

/** The driver of that name. `auto` is what `VZSHELL_DRIVER` names, else the one that belongs to this platform. */
export function selectDriver(name: 'auto' | DriverName, options: QemuDriverOptions = {}): Driver {
  const named = name === 'auto' ? (process.env.VZSHELL_DRIVER ?? '') : '';
  const origin = named === '' ? 'driver' : 'VZSHELL_DRIVER';
  const wanted = named === '' ? name : named;
  switch (wanted) {
    case 'auto':
      return process.platform === 'darwin' ? vz() : qemu(options);
    case 'vz':
      return vz();
    case 'qemu':
      return qemu(options);
    default:
      throw new VzshellError('ERR_INVALID_OPTION', `${origin}: expected 'auto', 'qemu' or 'vz', got '${wanted}'`);
  }
}

/** The addon is for supervisors alone: probing is done by the executable, and whoever starts a machine is a supervisor. */
function vz(): Driver {
  return { ...vzDriver, probe: probeThroughExecutable };
}

function qemu(options: QemuDriverOptions): Driver {
  if (process.platform === 'linux') return createQemuDriver(options);
  throw new VzshellError('ERR_UNSUPPORTED', `the qemu driver runs on Linux only, this is ${process.platform}`, {
    hint: "leave the driver at 'auto'",
  });
}
