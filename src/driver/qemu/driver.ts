// The driver for Linux hosts: QEMU, one virtiofsd per share, and vhost-device-vsock. docs/drivers.md tells the whole of it.

import { join } from 'node:path';
import { VzshellError } from '../../errors.ts';
import { statePaths } from '../../state/paths.ts';
import type { Driver, DriverProbe } from '../driver.ts';
import { qemuFeatures, refuseUnsupported } from './features.ts';
import { chooseAcceleration, distrustKvm, type ProbeTools, wantedAcceleration } from './kvm.ts';
import { startMachine } from './machine.ts';
import { findPrograms, type Programs, requirePrograms } from './programs.ts';
import { Memory } from './remember.ts';

export interface QemuDriverOptions {
  /** Where probes are remembered. Default: `probes.json` in the state directory. */
  readonly probesFile?: string;
}

/** A driver with a memory of its own. */
export function createQemuDriver(options: QemuDriverOptions = {}): Driver {
  const memory = (): Memory => new Memory(options.probesFile ?? join(statePaths().home, 'probes.json'));
  return {
    name: 'qemu',
    probe: async (arch) => probe(arch, memory()),
    start: async (spec, signal) => {
      signal?.throwIfAborted();
      refuseUnsupported(spec);
      const kept = memory();
      const found = await findPrograms(spec.arch, kept);
      const programs = requirePrograms(found);
      const acceleration = await wantedAcceleration(spec, { ...programs, qboot: found.qboot }, kept);
      const onAcceleratorBroke = (): void => distrustKvm(programs.qemu.version, kept);
      return startMachine({ spec, programs, qboot: found.qboot, acceleration, onAcceleratorBroke }, signal);
    },
  };
}

/** The driver that remembers in the state directory. */
export const qemuDriver: Driver = createQemuDriver();

async function probe(arch: DriverProbe['arch'], memory: Memory): Promise<DriverProbe> {
  const programs = await findPrograms(arch, memory);
  const tools = probeTools(programs);
  const acceleration =
    tools === null
      ? { name: 'none', note: 'not known while programs are missing' }
      : await chooseAcceleration(arch, tools, memory).catch((error: unknown) => ({
          name: 'tcg',
          note: `the probe failed: ${error instanceof VzshellError ? error.message : String(error)}`,
        }));
  return {
    driver: 'qemu',
    arch,
    usable: programs.missing.length === 0,
    missing: programs.missing,
    accelerator: acceleration.name,
    acceleratorNote: acceleration.note,
    features: qemuFeatures,
    programs: Object.values(programs.found),
  };
}

function probeTools({ found, qboot }: Programs): ProbeTools | null {
  const { qemu, setpriv } = found;
  return qemu === undefined || setpriv === undefined ? null : { qemu, setpriv, qboot };
}
