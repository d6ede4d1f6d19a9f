import { VzshellError } from '../errors.ts';
import { readJson } from '../state/json-file.ts';
import { type RunPaths, runPaths, statePaths } from '../state/paths.ts';
import { ControlClient, type EventStream, NoSupervisor } from '../supervisor/control-client.ts';
import type { OwnerPipe } from '../supervisor/owner-pipe.ts';
import { type ExitRecord, STATE_SCHEMA, type StopRequest, type VmRecord } from '../supervisor/spec.ts';
import type { VmExit, VmState } from './types.ts';
import { stoppedError, supervisorDied, vmExit } from './vm-exit.ts';

/** Milliseconds in which the reason of a broken connection must be found. */
const LOST_PATIENCE = 1_800;

/**
 * What a client knows of a VM's life. The creator of an attached VM hears of its end on the start pipe; everybody else asks the
 * control socket, and not before it matters: joining a running VM opens no connection.
 */
export class VmLink {
  readonly #record: VmRecord;
  readonly #run: RunPaths;
  readonly #control: ControlClient;
  #owner: OwnerPipe | null;
  #events: EventStream | null = null;
  #state: VmState = 'running';
  #referenced = false;
  #disconnected = false;
  #exit: Promise<VmExit> | null = null;

  constructor(record: VmRecord, owner: OwnerPipe | null) {
    this.#record = record;
    this.#run = runPaths(statePaths(), record.spec.id);
    this.#control = new ControlClient(this.#run.control);
    this.#owner = owner;
    if (owner !== null) this.#exit = this.#fromOwner(owner);
  }

  get owned(): boolean {
    return this.#owner !== null;
  }

  get state(): VmState {
    return this.#state;
  }

  /** How the VM ended. Settles once, never rejects. */
  get exit(): Promise<VmExit> {
    this.#exit ??= this.#fromEvents();
    return this.#exit;
  }

  /** Why a connection into the guest broke. */
  async lost(): Promise<VzshellError> {
    const { name } = this.#record.spec;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), LOST_PATIENCE);
    });
    const exit = await Promise.race([this.exit, patience]);
    clearTimeout(timer);
    if (exit !== null) return stoppedError(name, exit);
    return new VzshellError('ERR_AGENT', `the connection to vm '${name}' broke, although it still runs`, {
      hint: `try again; \`vzshell logs ${name}\` shows what the guest last said`,
    });
  }

  async stop(request: StopRequest): Promise<VmExit> {
    const ended = this.exit;
    if (this.#state === 'running') this.#state = 'stopping';
    const wasReferenced = this.#referenced;
    this.ref();
    try {
      const answer = await this.#control.stop(request).catch(ignoreGone);
      // The locks are free when the process is gone, which is a moment after its answer.
      const exit = await ended;
      await this.#owner?.processGone;
      return answer === null ? exit : vmExit(answer);
    } finally {
      if (!wasReferenced) this.unref();
    }
  }

  /** Lets an owned VM live on without this process. */
  async detach(): Promise<void> {
    const owner = this.#owner;
    if (owner === null) return;
    await this.#control.detach().catch(async (error: unknown) => {
      throw error instanceof NoSupervisor ? stoppedError(this.#record.spec.name, await this.exit) : error;
    });
    this.#owner = null;
    owner.close();
  }

  /** Lets go of a VM that is not ours. */
  disconnect(): void {
    this.#disconnected = true;
    this.#events?.close();
  }

  ref(): void {
    this.#referenced = true;
    this.#owner?.ref();
    this.#events?.ref();
    // Something must be there that can be held on to.
    void this.exit;
  }

  unref(): void {
    this.#referenced = false;
    this.#owner?.unref();
    this.#events?.unref();
  }

  async #fromOwner(owner: OwnerPipe): Promise<VmExit> {
    const exit = await owner.closed;
    // Closed by our own hand: the VM was detached, and lives.
    if (this.#owner === null) return this.#fromEvents();
    this.#state = 'stopped';
    return exit === null ? this.#unexplained() : vmExit(exit);
  }

  async #fromEvents(): Promise<VmExit> {
    let exit: ExitRecord | null = null;
    try {
      this.#events = await this.#control.events((event) => {
        if (event.type === 'exit') exit = event.exit;
        else if (event.type === 'state') this.#state = event.state;
      });
      if (this.#disconnected) this.#events.close();
      else if (this.#referenced) this.#events.ref();
      await this.#events.closed;
    } catch (error) {
      if (!(error instanceof NoSupervisor)) return { reason: 'error', error: error as VzshellError };
    }
    if (this.#disconnected) return new Promise<never>(() => undefined);
    this.#state = 'stopped';
    exit ??= this.#recordedExit();
    return exit === null ? this.#unexplained() : vmExit(exit);
  }

  #recordedExit(): ExitRecord | null {
    try {
      const exit = readJson<ExitRecord>(this.#run.exit, STATE_SCHEMA);
      return exit !== null && exit.at >= this.#record.startedAt ? exit : null;
    } catch {
      // A damaged file explains nothing.
      return null;
    }
  }

  #unexplained(): VmExit {
    return supervisorDied(this.#record.spec.name, this.#record.pid);
  }
}

function ignoreGone(error: unknown): null {
  if (error instanceof NoSupervisor) return null;
  throw error;
}
