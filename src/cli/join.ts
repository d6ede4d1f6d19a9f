// Into a VM that runs, by its record alone. The record may be of a VM that has just died: that shows when the first connection
// fails, and `Joined.started` tells whether anything had run until then.

import { AgentClient } from '../agent/client.ts';
import type { StreamStart } from '../agent/operations.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';
import { readJson } from '../state/json-file.ts';
import { runId, runPaths, statePaths } from '../state/paths.ts';
import type { VmRecord } from '../supervisor/spec.ts';
import type { CommandContext } from '../vm/context.ts';
import type { Mount, VmOptions } from '../vm/types.ts';

export interface Joined {
  readonly record: VmRecord;
  readonly context: CommandContext;
  /** Whether the guest has started anything for us. */
  readonly started: () => boolean;
  /** Begins to connect, for a command that will be started in a moment. */
  readonly dialAhead: () => Promise<void>;
}

/** Number of the records that are understood; a type import must stay one, so it is said again. */
const SCHEMA: VmRecord['schema'] = 1;
const PROTOCOL: VmRecord['protocol'] = 1;

/**
 * The running VM of that name as its record describes it, or null when there is no record that can be read: `ensureVm` and
 * `Vm.connect` find out whether a damaged one is of a VM that lives.
 */
export function joinRunning(name: string, id: string = runId(name)): Joined | null {
  const record = readRecord(id);
  if (record === null) return null;
  if (record.protocol !== PROTOCOL) {
    throw new VzshellError('ERR_PROTOCOL', `vm '${record.spec.name}' was started by another version of vzshell`, {
      hint: `vzshell stop ${record.spec.name}`,
    });
  }
  const agent = new WatchedClient(record.spec.machine.vsockPath);
  const context: CommandContext = {
    agent,
    cwd: record.spec.workdir,
    lost: async () => {
      const { VmLink } = await import('../vm/link.ts');
      return new VmLink(record, null).lost();
    },
  };
  return { record, context, started: () => agent.started, dialAhead: () => agent.dialAhead() };
}

/**
 * Whether a running VM is what `wanted` says, seen without looking anything up: false may mean that a closer look is needed, which
 * `ensureVm` takes, and which says what is different.
 */
export function covers({ spec }: VmRecord, wanted: VmOptions): boolean {
  const { machine, configure, volume } = spec;
  const has = (mount: Mount): boolean => {
    const tag = configure.shares.find((share) => share.target === (mount.target ?? mount.source))?.tag;
    const share = machine.shares.find((each) => each.tag === tag);
    return share?.path === mount.source && share.readOnly === (mount.readonly ?? false);
  };
  return (
    (wanted.arch ?? machine.arch) === machine.arch &&
    (wanted.cpus ?? 0) <= machine.cpus &&
    Number(wanted.memory ?? 0) <= machine.memory &&
    (wanted.network ?? machine.network) === machine.network &&
    (wanted.store ?? 'auto') === 'auto' &&
    (wanted.volume ?? volume.name) === volume.name &&
    (wanted.mounts ?? []).every(has)
  );
}

/** Whether the VM is no more, or was not there any more when it was called. */
export function isGone(error: unknown): boolean {
  return (
    error instanceof VzshellError && (error.code === 'ERR_VM_STOPPED' || error.details?.reason === 'connection-lost')
  );
}

function readRecord(id: string): VmRecord | null {
  try {
    return readJson<VmRecord>(runPaths(statePaths(), id).record, SCHEMA);
  } catch {
    return null;
  }
}

class WatchedClient extends AgentClient {
  started = false;

  override async open(start: StreamStart, options: { readonly signal?: AbortSignal } = {}): Promise<AgentStream> {
    const stream = await super.open(start, options);
    this.started = true;
    return stream;
  }
}
