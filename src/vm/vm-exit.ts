import { VzshellError } from '../errors.ts';
import type { ExitRecord } from '../supervisor/spec.ts';
import type { VmExit } from './types.ts';

/** A recorded end, as the API gives it. */
export function vmExit({ reason, error }: ExitRecord): VmExit {
  return { reason, ...(error !== undefined && { error: VzshellError.from(error) }) };
}

/** The end of a VM whose supervisor could not say a word any more. */
export function supervisorDied(name: string, pid: number): VmExit {
  const message = `the supervisor of vm '${name}' (pid ${pid}) died, and the machine with it`;
  return { reason: 'error', error: new VzshellError('ERR_VM_STOPPED', message) };
}

/** What a call gets that was under way, or came too late, when the VM ended. */
export function stoppedError(name: string, exit: VmExit): VzshellError {
  const why = {
    stopped: 'it was stopped',
    'guest-shutdown': 'the guest shut itself down',
    idle: 'it was idle',
    'owner-gone': 'the process that created it is gone',
    error: exit.error?.message ?? 'it failed',
  }[exit.reason];
  return new VzshellError('ERR_VM_STOPPED', `vm '${name}' is not running any more: ${why}`, {
    ...(exit.error !== undefined && { cause: exit.error }),
    ...(exit.error?.hint !== undefined && { hint: exit.error.hint }),
    details: { reason: exit.reason, ...(exit.error !== undefined && { error: exit.error.toJSON() }) },
  });
}
