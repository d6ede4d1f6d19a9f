// What `vzshell` does: the VM of this name, running, whoever started it.

import { VzshellError } from '../errors.ts';
import { withLock } from '../state/lock.ts';
import { prepareState, runId, statePaths } from '../state/paths.ts';
import type { VmRecord, VmSpec } from '../supervisor/spec.ts';
import { running } from './connect.ts';
import { startLock, startVm } from './create.ts';
import { type ResolvedOptions, resolveOptions } from './options.ts';
import type { VmOptions } from './types.ts';
import { Vm } from './vm.ts';

export interface Ensured {
  readonly vm: Vm;
  /** It ran already. */
  readonly joined: boolean;
}

/**
 * Joins the running VM of that name, or starts it detached. Of two starts at once one starts, the other joins; a VM that is
 * just stopping is waited for. A running VM that cannot do what `options` say is refused, never changed.
 */
export async function ensureVm(options: VmOptions & { readonly name: string }): Promise<Ensured> {
  const { name, signal } = options;
  signal?.throwIfAborted();
  const resolved = resolveOptions({ detached: true, ...options });
  const paths = statePaths();
  const join = async (): Promise<Ensured | null> => {
    const record = await running(paths, runId(name));
    if (record === null) return null;
    checkCovered(record, options, resolved);
    const vm = new Vm(record, null);
    // What the guest knows of the host's store stays true enough for a command when there is no news to be had.
    await vm.refreshStore().catch(() => undefined);
    return { vm, joined: true };
  };
  const found = await join();
  if (found !== null) return found;
  prepareState(paths);
  return withLock(
    startLock(paths, runId(name)),
    signal ? { signal } : {},
    async () => (await join()) ?? { vm: await startVm(resolved, options, paths), joined: false },
  );
}

/** Only what the caller said himself counts: a default is no wish. */
function checkCovered({ spec }: VmRecord, asked: VmOptions, resolved: ResolvedOptions): void {
  const { machine, configure, store } = spec;
  const gib = (bytes: number): string => `${Math.round((bytes / 1024 ** 3) * 100) / 100} GiB`;
  const volume = spec.volume.throwaway ? null : spec.volume.name;
  const differences: readonly [keyof VmOptions, boolean, string, string][] = [
    ['arch', machine.arch !== resolved.arch, machine.arch, resolved.arch],
    ['cpus', machine.cpus < (resolved.cpus ?? 0), String(machine.cpus), String(resolved.cpus)],
    ['memory', machine.memory < resolved.memory, gib(machine.memory), gib(resolved.memory)],
    ['network', machine.network !== resolved.network, machine.network, resolved.network],
    ['store', lacksStore(store, resolved.store), storeName(store), resolved.store],
    ['volume', volume !== resolved.volume, volume ?? 'a throwaway one', resolved.volume ?? 'a throwaway one'],
    ['user', configure.user.uid !== resolved.user.uid, configure.user.name, resolved.user.name],
  ];
  for (const [option, differs, has, wants] of differences) {
    if (asked[option] !== undefined && differs) throw different(spec.name, option, `${has}, asked for is ${wants}`);
  }
  for (const [variable, value] of Object.entries(resolved.env)) {
    if (configure.env[variable] !== value) throw different(spec.name, 'env', `another ${variable}`);
  }
  for (const { source, target, readonly } of resolved.mounts) {
    const there = configure.shares.find((share) => share.target === target);
    const share = machine.shares.find(({ tag }) => tag === there?.tag);
    if (share?.path !== source) throw different(spec.name, 'mounts', `nothing mounted from '${source}' on '${target}'`);
    if (share.readOnly !== readonly) {
      throw different(spec.name, 'mounts', `'${target}' ${share.readOnly ? 'read-only' : 'writable'}`);
    }
  }
}

/** Only who insists can be disappointed. */
function lacksStore(store: VmSpec['store'], asked: ResolvedOptions['store']): boolean {
  return asked !== 'auto' && asked !== storeName(store);
}

function storeName(store: VmSpec['store']): 'host' | 'image' {
  return store === undefined || store.host === null ? 'image' : 'host';
}

function different(name: string, option: keyof VmOptions, what: string): VzshellError {
  return new VzshellError('ERR_INVALID_STATE', `vm '${name}' runs already, with other ${option}: it has ${what}`, {
    hint: `\`vzshell stop ${name}\` makes the new ${option} count from the next start on`,
    details: { name, option },
  });
}
