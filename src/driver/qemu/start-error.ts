import { VzshellError } from '../../errors.ts';
import type { MachineSpec } from '../driver.ts';
import { logTail } from '../tail.ts';
import { within } from '../within.ts';
import { type Child, type ChildExit, describeExit } from './child.ts';

/** Milliseconds in which the end of a daemon is known after QEMU's, which complains of the connection alone. */
const DAEMON_LATER = 500;

/** Why QEMU ended before it ran anything: a disk that somebody else has, a daemon that is gone, or what it says itself. */
export async function startError(
  spec: MachineSpec,
  qemu: Child,
  exit: ChildExit,
  daemons: readonly Child[],
): Promise<VzshellError> {
  const log = logTail(qemu.log);
  const locked = spec.disks.find(({ path }) => log.includes(path)) ?? spec.disks.find(({ readOnly }) => !readOnly);
  if (/Failed to get .*lock/.test(log) && locked !== undefined) {
    return new VzshellError('ERR_VM_START', `disk '${locked.id}' is in use by another machine: ${locked.path}`, {
      hint: 'stop that machine, or give this one a disk of its own',
      details: { disk: locked.id },
    });
  }
  const gone = /\.sock|vhost/.test(log) ? await firstGone(daemons) : null;
  if (gone !== null) {
    return new VzshellError('ERR_VM_START', `cannot start the machine: ${gone}`, { hint: `QEMU's log is ${qemu.log}` });
  }
  const how = exit.signal === null ? `status ${exit.code}` : exit.signal;
  return new VzshellError('ERR_VM_START', `${qemu.name} could not start (${how}): ${log || 'it said nothing'}`, {
    hint: `its log is ${qemu.log}`,
  });
}

/** virtiofsd listens before it enters its namespaces, where it may still fail. */
async function firstGone(daemons: readonly Child[]): Promise<string | null> {
  const ends = daemons.map((daemon) => daemon.exit.then((exit) => `${daemon.name} ${describeExit(daemon, exit)}`));
  const first = Promise.race(ends);
  return ends.length > 0 && (await within(DAEMON_LATER, first)) ? first : null;
}
