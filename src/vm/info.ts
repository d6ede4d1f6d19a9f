import { toldOf } from '../nix/host-store/outdated.ts';
import { runPaths, statePaths } from '../state/paths.ts';
import type { VmRecord, VmSpec } from '../supervisor/spec.ts';
import type { StoreInfo, VmInfo, VmState } from './types.ts';

/** What is known of a VM from what it was asked to be. */
export function specInfo(spec: VmSpec, state: VmState): VmInfo {
  const { machine, configure, volume } = spec;
  return {
    id: spec.id,
    name: spec.name,
    state,
    problem: null,
    pid: null,
    driver: spec.driver,
    accelerator: null,
    arch: machine.arch,
    cpus: machine.cpus,
    memory: machine.memory,
    volume: volume.throwaway ? null : volume.name,
    mounts: configure.shares.map(({ tag, target, readOnly }) => ({
      source: machine.shares.find((share) => share.tag === tag)?.path ?? '',
      target,
      readonly: readOnly,
    })),
    store: storeInfo(spec),
    workdir: spec.workdir,
    startedAt: null,
    detached: spec.detached,
    directory: machine.runDir,
  };
}

function storeInfo(spec: VmSpec): StoreInfo | null {
  if (spec.store === undefined) return null;
  const { host, reason } = spec.store;
  if (host === null) return { layers: ['image', 'volume'], host: null, reason };
  const { directory } = host;
  const { paths, leftOut } = toldOf(spec);
  return { layers: ['host', 'image', 'volume'], host: { directory, paths, leftOut }, reason };
}

/** What is known of one that runs. */
export function recordInfo(record: VmRecord, state: VmState, detached: boolean = record.spec.detached): VmInfo {
  const { pid, accelerator, startedAt } = record;
  return { ...specInfo(record.spec, state), pid, accelerator, startedAt, detached };
}

/** A VM whose files cannot be read: it is shown, can be deleted, and stops nobody else. */
export function brokenInfo(id: string, problem: string): VmInfo {
  const nothing = { pid: null, driver: null, accelerator: null, arch: null, cpus: null, memory: null, volume: null };
  const { directory } = runPaths(statePaths(), id);
  return {
    ...{ id, name: id, state: 'broken', problem, ...nothing },
    ...{ mounts: [], store: null, workdir: null, startedAt: null, detached: null, directory },
  };
}
