import type { CommandContext } from '../vm/context.ts';

/** What entering a dev shell needs to know of the machine. `Vm` fills it from the record of what runs. */
export interface DevelopHost {
  readonly context: CommandContext;
  readonly volumeUuid: string;
  readonly imageId: string;
  /** As Nix names it: `aarch64-linux`. */
  readonly system: string;
  readonly nixVersion: string;
  readonly network: 'nat' | 'none';
  /** The flake's directory unless the caller names another. In the guest. */
  readonly workdir: string;
  readonly user: { readonly name: string; readonly uid: number };
  /** The user's home directory in the guest. */
  readonly home: string;
  /** The host path of a path in the guest, when it lies on a mount; else null. */
  hostPath(guestPath: string): string | null;
  /** Where the host keeps environments: `$VZSHELL_HOME/envs`. */
  readonly envsDir: string;
}
