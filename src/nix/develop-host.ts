import type { CommandContext } from '../vm/context.ts';
import type { StoreVm } from './host-store/running.ts';

/** What entering a dev shell needs to know of the machine. `Vm` fills it from the record of what runs. */
export interface DevelopHost {
  readonly context: CommandContext;
  readonly volumeUuid: string;
  readonly imageId: string;
  /** As Nix names it: `aarch64-linux`. */
  readonly system: string;
  readonly nixVersion: string;
  /** Nix can reach nobody. */
  readonly offline: boolean;
  /** The flake's directory unless the caller names another. In the guest. */
  readonly workdir: string;
  readonly user: { readonly name: string; readonly uid: number };
  /** The user's home directory in the guest. */
  readonly home: string;
  /** The host path of a path in the guest, when it lies on a mount; else null. */
  hostPath(guestPath: string): string | null;
  /** What the host's Nix store is to this VM. */
  readonly store: StoreVm['spec'] | null;
  /** Where the host keeps environments: `$VZSHELL_HOME/envs`. */
  readonly envsDir: string;
}

/** What a running VM is, as far as dev shells need it. */
export interface DevelopRecord {
  readonly spec: {
    readonly id: string;
    readonly name: string;
    readonly store?: StoreVm['spec']['store'];
    readonly volume: { readonly uuid: string };
    readonly image: { readonly manifest: string; readonly id: string; readonly system: string };
    readonly machine: { readonly shares: readonly { readonly tag: string; readonly path: string }[] };
    readonly configure: {
      readonly network: 'nat' | 'none';
      readonly user: { readonly name: string; readonly uid: number };
      readonly shares: readonly { readonly tag: string; readonly target: string }[];
    };
    readonly workdir: string;
  };
  readonly nixVersion: string;
  readonly home: string;
}

/** The host of dev shells in the VM that this record (`vm.json`) describes. */
export function developHost(record: DevelopRecord, context: CommandContext, envsDir: string): DevelopHost {
  const { id, name, configure, image, machine, store, volume, workdir } = record.spec;
  return {
    context,
    volumeUuid: volume.uuid,
    imageId: image.id,
    system: image.system,
    nixVersion: record.nixVersion,
    offline: configure.network === 'none' && !store?.cache,
    workdir,
    user: configure.user,
    home: record.home,
    hostPath: (guestPath) => {
      for (const { tag, target } of configure.shares) {
        const source = machine.shares.find((share) => share.tag === tag)?.path;
        if (source !== undefined && (guestPath === target || guestPath.startsWith(`${target}/`))) {
          return source + guestPath.slice(target.length);
        }
      }
      return null;
    },
    store: store === undefined || store.host === null ? null : { id, name, image, store },
    envsDir,
  };
}
