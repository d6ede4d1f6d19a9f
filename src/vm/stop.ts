import { VzshellError } from '../errors.ts';
import { runPaths, statePaths } from '../state/paths.ts';
import { ControlClient, NoSupervisor } from '../supervisor/control-client.ts';
import { readSpec } from '../supervisor/run-directory.ts';
import type { StopRequest } from '../supervisor/spec.ts';
import { candidates } from './connect.ts';
import type { VmExit } from './types.ts';
import { vmExit } from './vm-exit.ts';

/**
 * Stops a VM by name or id, in whatever state it is: also one that is starting, or that another version started. Resolves when
 * its process is gone.
 */
export async function stopVm(nameOrId: string, request: StopRequest = {}): Promise<VmExit> {
  for (const id of candidates(nameOrId)) {
    const control = new ControlClient(runPaths(statePaths(), id).control);
    try {
      const events = await control.events(() => undefined);
      events.ref();
      const exit = await control.stop(request);
      await events.closed;
      return vmExit(exit);
    } catch (error) {
      if (!(error instanceof NoSupervisor)) throw error;
    }
  }
  throw notRunning(nameOrId);
}

function notRunning(nameOrId: string): VzshellError {
  for (const id of candidates(nameOrId)) {
    try {
      readSpec(runPaths(statePaths(), id));
    } catch (cause) {
      return new VzshellError(
        'ERR_INVALID_STATE',
        `vm '${nameOrId}' does not run, and is broken: ${(cause as Error).message}`,
        {
          cause,
          hint: `delete it with \`vzshell delete ${nameOrId}\``,
        },
      );
    }
  }
  return new VzshellError('ERR_NOT_FOUND', `there is no running vm '${nameOrId}'`, {
    hint: '`vzshell list` shows what there is',
  });
}
