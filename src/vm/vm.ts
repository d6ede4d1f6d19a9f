import type { Duplex } from 'node:stream';
import { AgentClient } from '../agent/client.ts';
import type { VzshellError } from '../errors.ts';
import type { Collected } from '../nix/store/collect.ts';
import type { StoreReport } from '../nix/store/report.ts';
import { statePaths } from '../state/paths.ts';
import type { OwnerPipe } from '../supervisor/owner-pipe.ts';
import type { VmRecord } from '../supervisor/spec.ts';
import { type CommandContext, createCommands } from './commands.ts';
import { createGuestFs, type GuestFs } from './guest-fs.ts';
import { recordInfo } from './info.ts';
import { VmLink } from './link.ts';
import type {
  Abortable,
  Commands,
  DevelopOptions,
  DevShell,
  ExecOptions,
  ExecResult,
  ForwardOptions,
  GuestAddress,
  GuestProcess,
  HostCapabilities,
  PortForward,
  SpawnOptions,
  TemplateValue,
  VmExit,
  VmInfo,
  VmOptions,
  VmState,
} from './types.ts';

/**
 * A virtual machine. One that was created belongs to this process, and ends with it unless it is detached; one that was connected
 * to lives on. Neither keeps an idle script alive; `ref()` does.
 */
export class Vm implements Commands, AsyncDisposable {
  /** Starts a VM; resolves when commands can run in it. */
  static async create(options: VmOptions = {}): Promise<Vm> {
    const { create } = await import('./create.ts');
    return create(options);
  }

  /** Finds a running VM by name or id. */
  static async connect(nameOrId: string, options: Abortable = {}): Promise<Vm> {
    const { connect } = await import('./connect.ts');
    return connect(nameOrId, options);
  }

  /** All VMs of this user: running, starting, stopped, and broken ones with their problem. */
  static async list(): Promise<VmInfo[]> {
    const { list } = await import('./list.ts');
    return list();
  }

  /** What this host can do, and what it lacks. */
  static async capabilities(): Promise<HostCapabilities> {
    const { capabilities } = await import('./capabilities.ts');
    return capabilities();
  }

  readonly id: string;
  readonly name: string;
  readonly fs: GuestFs;
  readonly #record: VmRecord;
  readonly #link: VmLink;
  readonly #context: CommandContext;
  readonly #commands: Commands;

  /** @internal Use `Vm.create` or `Vm.connect`. */
  constructor(record: VmRecord, owner: OwnerPipe | null) {
    this.id = record.spec.id;
    this.name = record.spec.name;
    this.#record = record;
    this.#link = new VmLink(record, owner);
    this.#context = {
      agent: new AgentClient(record.spec.machine.vsockPath),
      cwd: record.spec.workdir,
      lost: (): Promise<VzshellError> => this.#link.lost(),
    };
    this.#commands = createCommands(this.#context);
    this.fs = createGuestFs(this.#context);
  }

  /** True when the VM ends with this process. */
  get owned(): boolean {
    return this.#link.owned;
  }

  /** As far as this process has heard. */
  get state(): VmState {
    return this.#link.state;
  }

  get info(): VmInfo {
    return recordInfo(this.#record, this.#link.state, !this.#link.owned);
  }

  /** How the VM ended. Settles once, never rejects. */
  get closed(): Promise<VmExit> {
    return this.#link.exit;
  }

  exec(file: string, args?: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    return this.#commands.exec(file, args, options);
  }

  sh(script: string, options?: ExecOptions): Promise<ExecResult> {
    return this.#commands.sh(script, options);
  }

  $(strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Promise<ExecResult> {
    return this.#commands.$(strings, ...values);
  }

  spawn(file: string, args?: readonly string[], options?: SpawnOptions): Promise<GuestProcess> {
    return this.#commands.spawn(file, args, options);
  }

  /** An interactive login shell on this process's terminal. Resolves with its exit code. */
  async shell(options: SpawnOptions = {}): Promise<number> {
    const { attachTerminal } = await import('./terminal.ts');
    return attachTerminal(this.#context, [this.#record.spec.configure.user.shell, '-l'], options);
  }

  /** Opens a Nix dev shell: its environment from the cache, or by evaluation in the guest. */
  async develop(options: DevelopOptions = {}): Promise<DevShell> {
    const [{ develop }, { developHost }] = await Promise.all([
      import('../nix/develop.ts'),
      import('../nix/develop-host.ts'),
    ]);
    return develop(developHost(this.#record, this.#context, statePaths().envs), options);
  }

  /**
   * Makes what this host's Nix store has got since the VM started usable in the guest. Dev shells do it by themselves. False when
   * there was nothing to do.
   */
  async refreshStore(): Promise<boolean> {
    const { isOutdated } = await import('../nix/host-store/outdated.ts');
    if (!isOutdated(this.#record.spec)) return false;
    const { refreshStore } = await import('../nix/host-store/running.ts');
    return refreshStore({ spec: this.#record.spec, context: this.#context });
  }

  /** What the layers of the guest's Nix store hold. */
  async storeReport(): Promise<StoreReport> {
    const { reportStore } = await import('../nix/store/report.ts');
    return reportStore(this.#record.spec, this.#context);
  }

  /** Collects the garbage of the guest's Nix store, and gives the space back to the host. `keep` generations of each dev shell stay (3). */
  async collectGarbage(options: { readonly keep?: number } = {}): Promise<Collected> {
    const { collectGarbage } = await import('../nix/store/collect.ts');
    return collectGarbage(this.#record.spec, this.#context, options.keep ?? 3);
  }

  /** Copies store paths of the guest, and all they refer to, into this host's Nix store. Gives those that the host did not have. */
  async copyToHost(paths: readonly string[]): Promise<readonly string[]> {
    const { copyToHost } = await import('../nix/store/copy-to-host.ts');
    return copyToHost(this.#context, paths);
  }

  /** Connects to a TCP port or a unix socket in the guest. */
  async connect(address: GuestAddress, options: Abortable = {}): Promise<Duplex> {
    const { connectGuest } = await import('./connect-guest.ts');
    return connectGuest(this.#context, address, options);
  }

  /** Makes a port of the guest one of the host. */
  async forward(options: ForwardOptions): Promise<PortForward> {
    const { forward } = await import('./forward.ts');
    return forward(this.#context, options);
  }

  /** Copies a file or a directory into the guest: modes, links and times as they are. */
  async copyIn(hostPath: string, guestPath: string, options: Abortable = {}): Promise<void> {
    const { copyIn } = await import('./copy.ts');
    await copyIn(this.#context, hostPath, guestPath, options);
  }

  /** Copies a file or a directory out of the guest, which is not trusted: nothing lands outside `hostPath`. */
  async copyOut(guestPath: string, hostPath: string, options: Abortable = {}): Promise<void> {
    const { copyOut } = await import('./copy.ts');
    await copyOut(this.#context, guestPath, hostPath, options);
  }

  /**
   * Stops the VM in order: commands are told, volumes unmounted. `force` does not ask the guest; `timeout` is how many
   * milliseconds it gets (default 10 000). Resolves when nothing of the VM is left.
   */
  stop(options: { readonly force?: boolean; readonly timeout?: number } = {}): Promise<VmExit> {
    const { force, timeout } = options;
    return this.#link.stop({
      ...(force !== undefined && { force }),
      ...(timeout !== undefined && { timeoutMs: timeout }),
    });
  }

  /** Lets the VM live on without this process; it is then found by its name. */
  detach(): Promise<void> {
    return this.#link.detach();
  }

  /** Keeps this process alive as long as the VM runs. */
  ref(): this {
    this.#link.ref();
    return this;
  }

  unref(): this {
    this.#link.unref();
    return this;
  }

  /** An owned VM is stopped, another one let go. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#link.owned) await this.#link.stop({});
    else this.#link.disconnect();
  }
}
