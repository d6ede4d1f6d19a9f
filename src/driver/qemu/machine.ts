// One running machine: its processes, in the order in which they need each other. Daemons listen first, QEMU connects to them,
// and whatever fails, nothing that was started is left.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { VzshellError } from '../../errors.ts';
import type { Machine, MachineExit, MachineSpec, ShareUse } from '../driver.ts';
import { RotatingLog } from '../rotating-log.ts';
import { qemuArguments, shareSocket, VSOCK_DEVICE_SOCKET, virtiofsdArguments, vsockArguments } from './arguments.ts';
import { type Child, startChild } from './child.ts';
import { unsupported } from './features.ts';
import { type Guard, startGuard } from './guard.ts';
import type { Acceleration } from './kvm.ts';
import { processesOf } from './processes.ts';
import type { Program, ProgramName } from './programs.ts';
import { Qmp } from './qmp.ts';
import { listening } from './ready.ts';
import { shareUseOf } from './share-use.ts';
import { startError } from './start-error.ts';
import { stopDaemons, stopQemu } from './stop.ts';
import { Watch } from './watch.ts';

/** Milliseconds from QEMU's start to its monitor's first answer; it takes 30 to 100. */
const QMP_PATIENCE = 20_000;

export interface MachinePlan {
  readonly spec: MachineSpec;
  readonly programs: Readonly<Record<ProgramName, Program>>;
  readonly qboot: boolean;
  readonly acceleration: Acceleration;
  /** Called when the accelerator stopped the guest. */
  readonly onAcceleratorBroke: () => void;
}

/** Starts the processes of a machine; resolves when QEMU runs the guest. */
export async function startMachine(plan: MachinePlan, signal?: AbortSignal): Promise<Machine> {
  signal?.throwIfAborted();
  removeSockets(plan.spec);
  const parts = new Parts(plan);
  try {
    await parts.startDaemons(signal);
    return await parts.startQemu(signal);
  } catch (error) {
    await parts.clear();
    throw error;
  } finally {
    parts.guard?.release();
  }
}

class Parts {
  readonly #plan: MachinePlan;
  readonly #shares: Child[] = [];
  #vsock: Child | null = null;
  #qemu: Child | null = null;
  guard: Guard | null = null;

  constructor(plan: MachinePlan) {
    this.#plan = plan;
  }

  async startDaemons(signal?: AbortSignal): Promise<void> {
    const { spec, programs } = this.#plan;
    this.#vsock = this.#start('vhost-device-vsock', 'vsock', [
      programs['vhost-device-vsock'].path,
      ...vsockArguments(spec),
    ]);
    const waits = [listening(join(spec.runDir, VSOCK_DEVICE_SOCKET), this.#vsock, signal)];
    if (spec.shares.length > 0) this.guard = startGuard();
    for (const [index, share] of spec.shares.entries()) {
      const argv = [programs.virtiofsd.path, ...virtiofsdArguments(spec, index, process.getuid?.() === 0)];
      const child = this.#start(`virtiofsd (${share.tag}: ${share.path})`, `virtiofsd-${index}`, argv);
      this.guard?.add(child.pid);
      this.#shares.push(child);
      waits.push(listening(join(spec.runDir, shareSocket(index)), child, signal));
    }
    // All settle: none may reject unheard while the others are cleared away.
    const results = await Promise.allSettled(waits);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async startQemu(signal?: AbortSignal): Promise<Machine> {
    const { spec, programs, qboot, acceleration } = this.#plan;
    signal?.throwIfAborted();
    const argv = [programs.qemu.path, ...qemuArguments(spec, acceleration.name, qboot)];
    const output = new RotatingLog(spec.console.path, spec.console.maxBytes);
    const qemu = this.#start(programs.qemu.name, 'qemu', argv, output);
    this.#qemu = qemu;
    if (qemu.channel === null) throw await startError(spec, qemu, await qemu.exit, []);
    const machine = new QemuMachine(this.#plan, qemu, qemu.channel, this.#shares, this.#vsock as Child);
    await machine.open(signal);
    return machine;
  }

  /** Ends and removes whatever a failed start has left. */
  async clear(): Promise<void> {
    if (this.#qemu !== null) await stopQemu(this.#qemu, null);
    for (const share of this.#shares) share.kill();
    await stopDaemons(this.#shares, this.#vsock);
    removeSockets(this.#plan.spec);
  }

  #start(name: string, log: string, argv: readonly string[], output?: RotatingLog): Child {
    const { spec, programs } = this.#plan;
    return startChild({
      name,
      setpriv: programs.setpriv.path,
      argv,
      cwd: spec.runDir,
      log: join(spec.runDir, `${log}.log`),
      ...(output !== undefined && { output, channel: true }),
    });
  }
}

class QemuMachine implements Machine {
  readonly accelerator: string;
  readonly acceleratorNote: string | null;
  readonly stopped: Promise<MachineExit>;
  readonly #plan: MachinePlan;
  readonly #qemu: Child;
  readonly #qmp: Qmp;
  readonly #shares: readonly Child[];
  readonly #vsock: Child;
  readonly #watch: Watch;
  #stopping: Promise<void> | null = null;

  constructor(plan: MachinePlan, qemu: Child, channel: Duplex, shares: readonly Child[], vsock: Child) {
    this.#plan = plan;
    this.accelerator = plan.acceleration.name;
    this.acceleratorNote = plan.acceleration.note;
    this.#qemu = qemu;
    this.#shares = shares;
    this.#vsock = vsock;
    this.#watch = new Watch(plan.spec, qemu, () => this.#endQemu());
    this.#qmp = new Qmp(channel, (event) => this.#watch.onEvent(event, this.#qmp));
    this.stopped = this.#gone();
  }

  /** Waits for QEMU's monitor. QEMU may exit before it answers, for instance when another machine holds a disk. */
  async open(signal?: AbortSignal): Promise<void> {
    const { spec } = this.#plan;
    const exited = this.#qemu.exit.then(async (exit) => {
      throw await startError(spec, this.#qemu, exit, [...this.#shares, this.#vsock]);
    });
    await inTime(Promise.race([this.#opened(exited), exited]), signal);
    for (const [index, share] of this.#shares.entries()) {
      this.#watch.daemon(share, `its share ${spec.shares[index]?.path}`);
    }
    this.#watch.daemon(this.#vsock, 'its connection to the host');
  }

  expectShutdown(): void {
    this.#watch.expectShutdown();
  }

  processes(): readonly { readonly name: string; readonly pid: number }[] {
    return [this.#qemu, this.#vsock, ...this.#shares].filter((child) => child.running()).flatMap(processesOf);
  }

  shareUse(): ShareUse | null {
    return shareUseOf(
      this.#shares
        .filter((share) => share.running())
        .flatMap(processesOf)
        .map(({ pid }) => pid),
    );
  }

  /** SIGSTOP, not QMP's stop: what the host sends on vsock during that is lost, and all of vsock hangs afterwards. */
  async pause(): Promise<void> {
    this.#signal('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.#signal('SIGCONT');
  }

  async save(): Promise<void> {
    throw unsupported('save');
  }

  async stop(): Promise<MachineExit> {
    this.#watch.askedToStop();
    // A process that stands still would not hear what it is told.
    if (this.#qemu.running()) this.#signal('SIGCONT');
    this.#endQemu();
    return this.stopped;
  }

  #signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (!this.#qemu.running()) throw new VzshellError('ERR_INVALID_STATE', 'the machine is not running');
    process.kill(this.#qemu.pid, signal);
  }

  /** The guest runs only after events are on: none is missed. No command follows but `quit`, see watch.ts. */
  async #opened(exited: Promise<never>): Promise<void> {
    // A connection that ends is told better by the exit.
    await this.#qmp
      .open()
      .then(() => this.#qmp.execute('cont'))
      .catch(() => exited);
  }

  #endQemu(): void {
    this.#stopping ??= stopQemu(this.#qemu, this.#qmp);
  }

  async #gone(): Promise<MachineExit> {
    const exit = await this.#qemu.exit;
    this.#qmp.close();
    await stopDaemons(this.#shares, this.#vsock);
    removeSockets(this.#plan.spec);
    if (this.#watch.acceleratorBroke) this.#plan.onAcceleratorBroke();
    return this.#watch.verdict(exit);
  }
}

/** The work's end, unless the deadline or the signal comes first. */
async function inTime(work: Promise<void>, signal?: AbortSignal): Promise<void> {
  let giveUp: (reason: unknown) => void = () => undefined;
  const givenUp = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  const late = new VzshellError('ERR_VM_START', `QEMU did not answer within ${QMP_PATIENCE / 1000} s`);
  const timer = setTimeout(() => giveUp(late), QMP_PATIENCE);
  const aborted = (): void => giveUp(signal?.reason);
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    await Promise.race([work, givenUp]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  }
}

function removeSockets(spec: MachineSpec): void {
  const names = [VSOCK_DEVICE_SOCKET, ...spec.shares.flatMap((_, i) => [shareSocket(i), `${shareSocket(i)}.pid`])];
  for (const path of [spec.vsockPath, ...names.map((name) => join(spec.runDir, name))]) rmSync(path, { force: true });
}
