// One machine from start to end: starting → running → stopping → stopped. Whoever calls `end` first decides why it ended; from
// then on nothing can bring it back. Whatever fails, the machine is gone when `run` resolves.

import { EventEmitter } from 'node:events';
import { type AgentClient, ConnectionLost } from '../agent/client.ts';
import type { Driver, Machine, MachineExit } from '../driver/driver.ts';
import { validateMachineSpec } from '../driver/spec.ts';
import { logTail } from '../driver/tail.ts';
import { asVzshellError, type ErrorCode, VzshellError } from '../errors.ts';
import { type Ending, EndSignal } from './ending.ts';
import type { GuestEvents } from './guest-events.ts';
import { IdleWatch } from './idle.ts';
import type { QuietWork } from './quiet.ts';
import type { RunDirectory } from './run-directory.ts';
import { ShareWatch } from './share-watch.ts';
import {
  CONTROL_PROTOCOL,
  type ControlEvent,
  type ControlStatus,
  type ExitRecord,
  type RunState,
  STATE_SCHEMA,
  type StartLine,
  type StopRequest,
  type VmRecord,
  type VmSpec,
} from './spec.ts';
import { patienceFor, powerOff } from './stop-ladder.ts';
import { keepTime } from './time.ts';

/** What a supervisor needs of the agent. */
export type SupervisedAgent = Pick<AgentClient, 'configure' | 'time' | 'shutdown'>;

/** Milliseconds in which a lost agent may still turn out to be a lost machine, whose error says more. */
const AGENT_LOST_GRACE = 400;
/** Milliseconds that the guest gets to power off after it said that it will. */
const STOPPING_GRACE = 10_000;
/** Milliseconds between the last moment at which an idle VM can be joined and its stop. */
const IDLE_GRACE = 500;
const CLOCK_TIMEOUT = 5_000;

export class Lifecycle {
  readonly #spec: VmSpec;
  readonly #directory: RunDirectory;
  readonly #driver: Driver;
  readonly #guest: GuestEvents;
  readonly #agent: SupervisedAgent;
  readonly #events = new EventEmitter<{ event: [ControlEvent] }>();
  readonly #idle: IdleWatch;
  readonly #quiet: QuietWork | null;
  readonly #shares = new ShareWatch();
  readonly #end = new EndSignal();
  /** Aborted when nobody wants to wait for the guest. */
  readonly #forced = new AbortController();
  readonly #exit: Promise<ExitRecord>;
  #settleExit: (exit: ExitRecord) => void = () => undefined;
  #state: RunState = 'starting';
  #machine: Machine | null = null;
  #record: VmRecord | null = null;
  #attached: boolean;
  #patience: number | undefined;

  /** `quiet` is done when the guest has just finished something. */
  constructor(
    spec: VmSpec,
    directory: RunDirectory,
    driver: Driver,
    guest: GuestEvents,
    agent: SupervisedAgent,
    quiet: QuietWork | null = null,
  ) {
    this.#spec = spec;
    this.#directory = directory;
    this.#driver = driver;
    this.#guest = guest;
    this.#agent = agent;
    this.#quiet = quiet;
    this.#attached = !spec.detached;
    this.#events.setMaxListeners(0);
    this.#idle = new IdleWatch(spec.idleTimeoutMs, () => void this.#stopIfStillIdle());
    this.#exit = new Promise((resolve) => {
      this.#settleExit = resolve;
    });
  }

  get state(): RunState {
    return this.#state;
  }

  /** Settles when the machine is gone; never rejects. */
  get exit(): Promise<ExitRecord> {
    return this.#exit;
  }

  status(): ControlStatus {
    return {
      protocol: CONTROL_PROTOCOL,
      state: this.#state,
      pid: process.pid,
      spec: this.#record?.spec ?? this.#spec,
      record: this.#record,
      processes: this.#machine?.processes() ?? [],
      streams: this.#idle.active,
      shares: this.#shares.status(),
    };
  }

  subscribe(listener: (event: ControlEvent) => void): () => void {
    this.#events.on('event', listener);
    return () => this.#events.off('event', listener);
  }

  /** Runs the machine until it ends. Never rejects. */
  async run(report: (line: StartLine) => void): Promise<ExitRecord> {
    let stopClock: () => void = () => undefined;
    try {
      const record = await this.#boot(report);
      this.#directory.publish(record);
      this.#record = record;
      this.#setState('running');
      if (!this.#attached) this.#idle.arm();
      stopClock = keepTime(() => this.#agent.time(Date.now(), { timeoutMs: CLOCK_TIMEOUT }));
      report({ type: 'ready', record });
      await this.#end.unless(new Promise<never>(() => undefined));
    } catch (error) {
      // Whoever watches the machine or the event connection knows better why a request broke off.
      if (error instanceof ConnectionLost) await this.#end.within(2 * AGENT_LOST_GRACE);
      // Either `end` was called, and this is its echo, or the start failed.
      this.end({ reason: 'error', error: asVzshellError(error, 'ERR_VM_START') });
    }
    stopClock();
    this.#idle.close();
    this.#quiet?.close();
    this.#retire();
    this.#setState('stopping');
    const ending = this.#end.ending ?? { reason: 'stopped' };
    if (this.#machine !== null) {
      const polite = ending.error === undefined && this.#guest.connected;
      const patience = this.#patience ?? patienceFor(this.#spec.machine.cmdline);
      await powerOff(this.#machine, polite ? this.#agent : null, this.#forced.signal, patience);
    }
    const exit: ExitRecord = {
      schema: STATE_SCHEMA,
      reason: ending.reason,
      ...(ending.error !== undefined && { error: ending.error.toJSON() }),
      at: new Date().toISOString(),
    };
    this.#state = 'stopped';
    this.#events.emit('event', { type: 'exit', exit });
    this.#settleExit(exit);
    return exit;
  }

  /** Ends the machine for this reason, unless it is ending already. */
  end(ending: Ending): void {
    this.#end.decide(ending);
  }

  /** Somebody asks for the end. Asking again with `force` cuts the first request short. */
  stop(request: StopRequest): Promise<ExitRecord> {
    this.#patience ??= request.timeoutMs;
    if (request.force === true) this.#forced.abort();
    this.end({ reason: 'stopped' });
    return this.#exit;
  }

  /** The creator is gone. Until the VM is ready nobody else could know of it, so a detached one needs its creator as well. */
  ownerGone(): void {
    if (this.#attached || this.#record === null) this.end({ reason: 'owner-gone' });
  }

  /** Lives on without its creator. False when it is ending already. */
  detach(): boolean {
    if (this.#record === null || this.#end.ending !== null) return false;
    if (!this.#attached) return true;
    this.#record = { ...this.#record, spec: { ...this.#record.spec, detached: true } };
    this.#directory.publish(this.#record);
    this.#attached = false;
    this.#idle.arm();
    return true;
  }

  async #boot(report: (line: StartLine) => void): Promise<VmRecord> {
    const seconds = this.#spec.startTimeoutMs / 1000;
    let phase = 'the machine did not start';
    const timer = setTimeout(() => {
      const message = `vm '${this.#spec.name}' is not ready after ${seconds} s: ${phase}`;
      this.end({ reason: 'error', error: this.#startError(message) });
    }, this.#spec.startTimeoutMs);
    try {
      report({ type: 'phase', phase: 'boot' });
      validateMachineSpec(this.#spec.machine);
      const machine = await this.#driver.start(this.#spec.machine, this.#end.signal);
      this.#machine = machine;
      this.#shares.watch(machine);
      void machine.stopped.then((exit) => this.#machineGone(exit));
      // To ask for it takes 15 ms, which are free while the guest boots.
      const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      phase = 'the guest agent did not answer';
      report({ type: 'phase', phase: 'agent', note: machine.acceleratorNote ?? machine.accelerator });
      await this.#end.unless(this.#guest.hello);
      this.#watchGuest();
      phase = 'the guest agent did not finish its configuration';
      report({ type: 'phase', phase: 'mounts' });
      const { nixVersion, home } = await this.#end.unless(
        this.#agent.configure({ ...this.#spec.configure, ...this.#shares.limit, timezone, unixMs: Date.now() }),
      );
      return {
        schema: STATE_SCHEMA,
        protocol: CONTROL_PROTOCOL,
        pid: process.pid,
        spec: this.#spec,
        accelerator: machine.accelerator,
        acceleratorNote: machine.acceleratorNote,
        nixVersion,
        home,
        startedAt: new Date().toISOString(),
      };
    } finally {
      clearTimeout(timer);
    }
  }

  #watchGuest(): void {
    this.#guest.onStreams = (active, opened) => {
      this.#idle.streams(active);
      this.#quiet?.streams(active, opened);
    };
    this.#guest.onTrimmed = (before, after) => {
      this.#shares.trimmed();
      this.#events.emit('event', { type: 'trimmed', before, after });
    };
    void this.#guest.closed.then(async (error) => {
      const grace = this.#guest.stopping === null ? AGENT_LOST_GRACE : STOPPING_GRACE;
      await this.#end.within(grace);
      this.end({ reason: 'error', error: this.#withConsole(error.code, error.message) });
    });
  }

  #machineGone(exit: MachineExit): void {
    if (exit.reason === 'error') {
      const error = exit.error ?? new VzshellError('ERR_VM_STOPPED', `the machine of vm '${this.#spec.name}' died`);
      this.end({ reason: 'error', error });
    } else if (this.#record === null) {
      const said = this.#guest.stopping === null ? '' : ` (${this.#guest.stopping})`;
      this.end({ reason: 'error', error: this.#startError(`the guest powered itself off while it started${said}`) });
    } else {
      this.end({ reason: exit.reason });
    }
  }

  /**
   * First nobody can find the VM any more, then those who just found it get a moment to open a stream. If one did, the VM is
   * back as if nothing had happened.
   */
  async #stopIfStillIdle(): Promise<void> {
    const before = this.#idle.changes;
    this.#retire();
    await this.#end.within(IDLE_GRACE);
    if (this.#end.ending !== null) return;
    if (this.#idle.changes === before) this.end({ reason: 'idle' });
    else if (this.#record !== null) this.#directory.publish(this.#record);
  }

  #retire(): void {
    try {
      this.#directory.retire();
    } catch (error) {
      console.error('removing vm.json:', error);
    }
  }

  #setState(state: RunState): void {
    this.#state = state;
    this.#events.emit('event', { type: 'state', state });
  }

  #startError(message: string): VzshellError {
    return this.#withConsole('ERR_VM_START', message);
  }

  #withConsole(code: ErrorCode, message: string): VzshellError {
    const { path } = this.#spec.machine.console;
    const tail = logTail(path);
    const said =
      tail === '' ? "the guest's console is empty" : `the guest's console ends with:\n${tail.replace(/^/gm, '    ')}`;
    // An ephemeral VM's directory is gone by the time somebody would look.
    const hint = this.#spec.ephemeral ? {} : { hint: `the whole console is in ${path}` };
    return new VzshellError(code, `${message}; ${said}`, hint);
  }
}
