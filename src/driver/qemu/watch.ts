// Why a machine ends. QEMU reports a guest's power-off, reset and panic, a broken accelerator and a full host disk by QMP
// events, but neither the death of virtiofsd nor that of vhost-device-vsock, and its own only by being gone: so all are
// watched, and the first cause counts.
//
// QEMU 10 hangs for good when a QMP command reaches it in the moment of its shutdown: so nothing is asked of it on an
// occasion that may be its end, and it has a limit for going once it said SHUTDOWN.

import { VzshellError } from '../../errors.ts';
import { lastWords } from '../crash.ts';
import type { MachineExit, MachineSpec } from '../driver.ts';
import { logTail } from '../tail.ts';
import { within } from '../within.ts';
import { type Child, type ChildExit, describeExit } from './child.ts';
import type { Qmp, QmpEvent } from './qmp.ts';

/** Milliseconds. A daemon ends up to 30 before QEMU when QEMU goes; later than this it was the daemon. */
const DAEMON_FIRST = 150;
/** Milliseconds from SHUTDOWN to QEMU's exit; it takes 10 to 100. */
const LAST_WORDS = 3_000;

/** Built when everything is gone, so that the logs are whole. */
type Cause = () => VzshellError;

export class Watch {
  readonly #spec: MachineSpec;
  readonly #qemu: Child;
  /** Ends QEMU; called once a cause is known while it still runs. */
  readonly #end: () => void;
  #cause: Cause | null = null;
  #shutdown: string | null = null;
  #shutdownExpected = false;
  #stopAsked = false;
  /** The accelerator stopped the guest. */
  acceleratorBroke = false;

  constructor(spec: MachineSpec, qemu: Child, end: () => void) {
    this.#spec = spec;
    this.#qemu = qemu;
    this.#end = end;
  }

  expectShutdown(): void {
    this.#shutdownExpected = true;
  }

  askedToStop(): void {
    this.#stopAsked = true;
  }

  /** What QMP tells, from the connection's first moment. */
  onEvent({ event, data }: QmpEvent, qmp: Qmp): void {
    if (event === 'SHUTDOWN') this.#onShutdown(String(data.reason));
    if (event === 'GUEST_PANICKED') this.#because(() => this.#crash());
    if (event === 'BLOCK_IO_ERROR' && data.action === 'stop') this.#because(() => this.#diskError(data));
    if (event === 'STOP') void this.#onStop(qmp);
  }

  /** Watches a daemon that QEMU cannot do without. */
  daemon(child: Child, purpose: string): void {
    void child.exit.then(async (exit) => {
      await within(DAEMON_FIRST, this.#qemu.exit);
      if (this.#shutdown === null && this.#qemu.running()) this.#because(() => this.#daemonError(child, exit, purpose));
    });
  }

  #onShutdown(reason: string): void {
    this.#shutdown = reason;
    void within(LAST_WORDS, this.#qemu.exit).then((gone) => {
      if (!gone) this.#qemu.kill();
    });
  }

  /** The event does not say why the guest was stopped. A stopped guest cannot shut down, so that asking is safe. */
  async #onStop(qmp: Qmp): Promise<void> {
    const answer = await qmp.execute('query-status').catch(() => null);
    const status = (answer as { status?: unknown } | null)?.status;
    if (status === 'internal-error') {
      this.acceleratorBroke = true;
      this.#because(() => this.#acceleratorError());
    }
    if (status === 'io-error') this.#because(() => this.#diskError({ reason: 'input/output error' }));
  }

  /** How the machine ended, from QEMU's exit and all that was seen before it. */
  verdict(exit: ChildExit): MachineExit {
    if (this.#cause !== null) return { reason: 'error', error: this.#cause() };
    // Even while it shuts down, the agent powers off and never resets: volumes may be mounted still.
    if (this.#shutdown === 'guest-reset' || this.#shutdown === 'guest-panic')
      return { reason: 'error', error: this.#crash() };
    if (this.#shutdown === 'guest-shutdown') {
      if (this.#shutdownExpected) return { reason: 'stopped' };
      return { reason: 'guest-shutdown', error: new VzshellError('ERR_VM_STOPPED', 'the guest powered itself off') };
    }
    if (this.#stopAsked) return { reason: 'stopped' };
    const message = `QEMU ${describeExit(this.#qemu, exit)}`;
    const hint =
      this.#shutdown === 'host-signal' || exit.signal !== null
        ? 'something on the host ended it: a user, or the kernel for want of memory'
        : `see ${this.#qemu.log}`;
    return { reason: 'error', error: new VzshellError('ERR_VM_STOPPED', message, { hint }) };
  }

  #because(cause: Cause): void {
    if (this.#cause !== null || this.#stopAsked) return;
    this.#cause = cause;
    this.#end();
  }

  #crash(): VzshellError {
    const { panic, tail } = lastWords(this.#spec.console.path);
    const when = this.#shutdownExpected ? 'the guest crashed while it was shutting down' : 'the guest crashed';
    return new VzshellError('ERR_VM_STOPPED', `${when}: ${panic ?? 'it reset itself'}`, {
      hint: tail === '' ? 'its console is empty' : `its console (${this.#spec.console.path}) ended with:\n${tail}`,
      details: { console: tail },
    });
  }

  #acceleratorError(): VzshellError {
    return new VzshellError('ERR_VM_STOPPED', 'hardware virtualization (KVM) failed in this guest', {
      hint: "start it again with accelerator 'emulation'",
      details: { log: logTail(this.#qemu.log, 40) },
    });
  }

  #diskError(data: Readonly<Record<string, unknown>>): VzshellError {
    const disk = this.#spec.disks[Number(/^disk(\d+)$/.exec(String(data['node-name']))?.[1] ?? Number.NaN)];
    const where = disk === undefined ? '' : ` (${disk.path})`;
    const reason = data.nospace === true ? 'the disk of the host is full' : `a write failed: ${String(data.reason)}`;
    return new VzshellError('ERR_VM_STOPPED', `the machine was ended because ${reason}${where}`, {
      hint: 'free some space and start it again: its volume is as after a power cut, and will be checked',
      details: { disk: disk?.id ?? null },
    });
  }

  #daemonError(child: Child, exit: ChildExit, purpose: string): VzshellError {
    return new VzshellError(
      'ERR_VM_STOPPED',
      `${child.name} ${describeExit(child, exit)}: the machine lost ${purpose}`,
      {
        hint: `start it again; its log is ${child.log}`,
        details: { program: child.name, log: logTail(child.log) },
      },
    );
  }
}
