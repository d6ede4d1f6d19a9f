// One running machine: the addon's object, its console's log, and how it ended. Everything that the framework vends is closed
// before `stopped` settles.

import { closeSync } from 'node:fs';
import net from 'node:net';
import { VzshellError } from '../../errors.ts';
import { lastWords } from '../crash.ts';
import type { NetworkDevice } from '../devices.ts';
import type { Machine, MachineExit, MachineSpec, ShareUse } from '../driver.ts';
import { RotatingLog } from '../rotating-log.ts';
import { within } from '../within.ts';
import type { VzBinding, VzEvent, VzMachine } from './binding.ts';
import { explain, isNativeError } from './errors.ts';
import { keepIdentity, readIdentity } from './identity.ts';
import { listenedPorts } from './ports.ts';
import { macFileLimits, shareLimit } from './share-limit.ts';
import { specOption, vzConfig } from './translate.ts';

/** Milliseconds. A stop that is never answered was seen when the framework's own service hangs. */
const STOP_PATIENCE = 5_000;

/** Makes and starts a machine; resolves when the framework says that it runs. On failure nothing of it is left. */
export async function startVzMachine(binding: VzBinding, spec: MachineSpec, signal?: AbortSignal): Promise<Machine> {
  const machine = new RunningMachine(binding, spec);
  try {
    await machine.start(signal);
    return machine;
  } catch (error) {
    await machine.discard();
    signal?.throwIfAborted();
    throw error;
  }
}

class RunningMachine implements Machine {
  readonly accelerator = 'vz';
  readonly acceleratorNote = null;
  readonly stopped: Promise<MachineExit>;
  readonly #spec: MachineSpec;
  readonly #vm: VzMachine;
  readonly #network: readonly NetworkDevice[];
  readonly #console: Promise<void>;
  #settle: (exit: MachineExit) => void = () => undefined;
  #shutdownExpected = false;
  #ending: Promise<void> | null = null;

  constructor(binding: VzBinding, spec: MachineSpec) {
    this.#spec = spec;
    this.stopped = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const identity = readIdentity(spec.runDir);
    const pipe = binding.pipe();
    try {
      const config = vzConfig(spec, identity, pipe.write);
      this.#network = config.network;
      this.#vm = new binding.Machine(config, (event) => this.#onEvent(event));
    } catch (error) {
      closeSync(pipe.read);
      throw this.#explain(error, 'make the machine');
    } finally {
      // The addon has a duplicate; with ours open the log would never see the end.
      closeSync(pipe.write);
    }
    this.#console = drain(pipe.read, new RotatingLog(spec.console.path, spec.console.maxBytes));
  }

  async start(signal?: AbortSignal): Promise<void> {
    const { vsockPath, restoreFrom, runDir } = this.#spec;
    keepIdentity(runDir, this.#vm.identity());
    await this.#call('serve its vsock socket', this.#vm.serve(vsockPath, listenedPorts(vsockPath)));
    signal?.throwIfAborted();
    const abort = (): void => void this.discard();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (restoreFrom === undefined) await this.#call('start the machine', this.#vm.start());
      else {
        await this.#call('restore the machine', this.#vm.restore(restoreFrom));
        await this.#call('resume the restored machine', this.#vm.resume());
      }
      signal?.throwIfAborted();
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  expectShutdown(): void {
    this.#shutdownExpected = true;
  }

  /** The framework runs the guest in a service of macOS, which is no child of ours. */
  processes(): readonly { readonly name: string; readonly pid: number }[] {
    return [];
  }

  /** What the framework's service has open is not ours to see; the guest counts the inodes that it remembers. */
  shareUse(): ShareUse | null {
    return this.#spec.shares.length === 0 ? null : { limit: shareLimit(macFileLimits()), open: null };
  }

  pause(): Promise<void> {
    return this.#call('pause the machine', this.#vm.pause());
  }

  resume(): Promise<void> {
    return this.#call('resume the machine', this.#vm.resume());
  }

  save(path: string): Promise<void> {
    return this.#call('save the machine', this.#vm.save(path));
  }

  async stop(): Promise<MachineExit> {
    this.#end(() => ({ reason: 'stopped' }));
    return this.stopped;
  }

  /** Ends a machine that nobody has heard of yet. */
  async discard(): Promise<void> {
    await this.stop();
  }

  #onEvent(event: VzEvent): void {
    if (event.type === 'stopped') this.#end(() => this.#verdict(event.error));
    if (event.type === 'network-lost') this.#reconnect(event.index);
  }

  /** The framework takes the cable out, for instance when the host sleeps; the same attachment, made anew, puts it back. */
  #reconnect(index: number): void {
    const attachment = this.#network[index]?.attachment;
    if (attachment === undefined || this.#ending !== null) return;
    this.#vm.setNetwork(index, attachment).catch((error: unknown) => {
      console.error(`network ${index}:`, explain(error, 'reconnect the network').message);
    });
  }

  /** Told when the console's log is whole. */
  #verdict(error: Extract<VzEvent, { type: 'stopped' }>['error']): MachineExit {
    if (error === null && this.#shutdownExpected) return { reason: 'stopped' };
    if (error === null) {
      return { reason: 'guest-shutdown', error: new VzshellError('ERR_VM_STOPPED', 'the guest powered itself off') };
    }
    const { message, details } = explain(error, 'keep the machine running');
    const { panic, tail } = lastWords(this.#spec.console.path);
    return {
      reason: 'error',
      error: new VzshellError('ERR_VM_STOPPED', panic === null ? message : `the guest crashed: ${panic}`, {
        cause: error,
        hint: tail === '' ? 'its console is empty' : `its console (${this.#spec.console.path}) ended with:\n${tail}`,
        details: { ...details, console: tail },
      }),
    };
  }

  /** The first cause counts. */
  #end(exit: () => MachineExit): void {
    this.#ending ??= this.#close().then(() => this.#settle(exit()));
  }

  async #close(): Promise<void> {
    // `close` stops a machine in any state; asked for by itself where that can be, the framework's own error is not lost.
    if (this.#vm.state === 'running' || this.#vm.state === 'paused') {
      await within(STOP_PATIENCE, this.#vm.stop()).catch((error: unknown) => console.error('stopping:', error));
    }
    await within(STOP_PATIENCE, this.#vm.close()).catch((error: unknown) => console.error('closing:', error));
    // Its last words are in the log by then; a service that hangs may hold the other end open.
    await within(STOP_PATIENCE, this.#console);
  }

  async #call<T>(doing: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw this.#explain(error, doing);
    }
  }

  /** Options by the names that the spec has for them. */
  #explain(error: unknown, doing: string): VzshellError {
    if (isNativeError(error) && error.option !== undefined) {
      const named = specOption(this.#spec, error.option);
      error.message = error.message.replace(`${error.option}: `, `${named}: `);
    }
    return explain(error, doing);
  }
}

/** Writes what comes out of a descriptor to the log; resolves at its end. */
function drain(fd: number, log: RotatingLog): Promise<void> {
  const socket = new net.Socket({ fd, readable: true, writable: false });
  socket.on('data', (chunk) => log.write(chunk));
  return new Promise((resolve) => {
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      log.close();
      resolve();
    });
  });
}
