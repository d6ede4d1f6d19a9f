import { readdirSync } from 'node:fs';
import { VzshellError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import { readJson } from '../state/json-file.ts';
import { runId, runPaths, type StatePaths, statePaths } from '../state/paths.ts';
import { isAlive } from '../supervisor/control-client.ts';
import { CONTROL_PROTOCOL, STATE_SCHEMA, type VmRecord, type VmSpec } from '../supervisor/spec.ts';
import type { Abortable } from './types.ts';
import { Vm } from './vm.ts';

/** Joins a running VM. Reads one file and knocks at one socket, because this is what every warm command does. */
export async function connect(nameOrId: string, { signal }: Abortable = {}): Promise<Vm> {
  signal?.throwIfAborted();
  const paths = statePaths();
  for (const id of candidates(nameOrId)) {
    const record = await running(paths, id);
    signal?.throwIfAborted();
    if (record !== null) return new Vm(record, null);
  }
  throw await notRunning(paths, nameOrId);
}

/** The record of a VM that can be joined now, or null. Throws for one of another version. */
export async function running(paths: StatePaths, id: string): Promise<VmRecord | null> {
  const run = runPaths(paths, id);
  let record: VmRecord | null;
  try {
    record = readJson<VmRecord>(run.record, STATE_SCHEMA);
  } catch (error) {
    // What a dead supervisor left is cleared away by the next start, damaged or not.
    if (await isAlive(run.control)) throw error;
    return null;
  }
  if (record === null || !(await isAlive(run.control))) return null;
  if (record.protocol === CONTROL_PROTOCOL) return record;
  throw new VzshellError(
    'ERR_PROTOCOL',
    `vm '${record.spec.name}' was started by another version of vzshell: its control protocol is ${record.protocol}, ours ${CONTROL_PROTOCOL}`,
    { hint: `stop it with \`vzshell stop ${record.spec.name}\` and start it again` },
  );
}

/** Ids that a name or an id may mean, the name first. */
export function candidates(nameOrId: string): string[] {
  return /^[0-9a-f]{8}$/.test(nameOrId) ? [runId(nameOrId), nameOrId] : [runId(nameOrId)];
}

async function notRunning(paths: StatePaths, nameOrId: string): Promise<VzshellError> {
  for (const id of candidates(nameOrId)) {
    if (!(await isAlive(runPaths(paths, id).control))) continue;
    return new VzshellError('ERR_INVALID_STATE', `vm '${nameOrId}' is starting or stopping`, {
      hint: 'try again in a moment',
    });
  }
  const others = names(paths);
  const near = nearest(nameOrId, others);
  return new VzshellError('ERR_NOT_FOUND', `there is no running vm '${nameOrId}'`, {
    hint: near === null || near === nameOrId ? '`vzshell list` shows what there is' : `did you mean '${near}'?`,
  });
}

function names(paths: StatePaths): string[] {
  try {
    return readdirSync(paths.runs).flatMap((id) => {
      try {
        return readJson<VmSpec>(runPaths(paths, id).spec, STATE_SCHEMA)?.name ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    // No VM was ever started here.
    return [];
  }
}
