import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { AgentClient } from '../../src/agent/client.ts';
import type { AgentStream } from '../../src/agent/stream.ts';
import type { Machine, MachineExit, MachineSpec } from '../../src/driver/driver.ts';
import { validateMachineSpec } from '../../src/driver/spec.ts';
import { logTail } from '../../src/driver/tail.ts';
import { guestConfiguration, guestMachine } from '../guest-machine.ts';
import { within } from '../within.ts';
import type { Candidate } from './drivers.ts';

/** Milliseconds. Emulation on a busy host is slow. */
const BOOT = 90_000;
const PATIENCE = 60_000;

/** A machine of the candidate's architecture, in a directory of its own. */
export function machineSpec({ arch }: Candidate, changes: Partial<MachineSpec> = {}): MachineSpec {
  return guestMachine(changes.runDir ?? mkdtempSync('/tmp/vzc-'), { arch, ...changes });
}

/** A guest that has said hello. Dispose it: the machine and its directory go. */
export class Guest implements AsyncDisposable {
  readonly spec: MachineSpec;
  readonly machine: Machine;
  readonly agent: AgentClient;
  readonly hello: Readonly<Record<string, unknown>>;
  readonly #events: net.Server;
  readonly #keep: boolean;

  private constructor(spec: MachineSpec, machine: Machine, hello: string, events: net.Server, keep: boolean) {
    this.#keep = keep;
    this.spec = spec;
    this.machine = machine;
    this.agent = new AgentClient(spec.vsockPath);
    this.hello = JSON.parse(hello);
    this.#events = events;
  }

  /** `keep`: the directory outlives the guest. */
  static async boot(
    candidate: Candidate,
    changes: Partial<MachineSpec> = {},
    { keep = false }: { keep?: boolean } = {},
  ): Promise<Guest> {
    const spec = machineSpec(candidate, changes);
    validateMachineSpec(spec);
    const events = net.createServer();
    const first = new Promise<string>((resolve, reject) => {
      events.on('connection', (socket) => {
        socket.on('error', () => socket.destroy());
        createInterface({ input: socket }).on('line', resolve);
      });
      events.on('error', reject).listen(`${spec.vsockPath}_1025`);
    });
    await new Promise((resolve) => events.once('listening', resolve));
    let machine: Machine | null = null;
    try {
      machine = await candidate.driver.start(spec);
      const died = machine.stopped.then(({ reason, error }) => {
        throw new Error(`the machine ended while booting (${reason}): ${error?.message}\n${error?.hint}`);
      });
      const hello = await within(BOOT, 'the agent says hello', Promise.race([first, died]), consoleOf(spec));
      return new Guest(spec, machine, hello, events, keep);
    } catch (error) {
      await machine?.stop();
      events.close();
      rmSync(spec.runDir, { recursive: true, force: true });
      throw error;
    }
  }

  /** Shares below /mnt, root's own file system in memory. */
  async configure(): Promise<void> {
    await this.agent.configure(guestConfiguration(this.spec));
  }

  /** Runs a shell script as root. */
  async run(script: string): Promise<{ code: number | null; output: string }> {
    const stream = await this.agent.open({ op: 'exec', argv: ['/bin/sh', '-c', script], user: 'root', stdin: false });
    return this.finish(script, stream);
  }

  /** What a stream wrote, both outputs together, and how it ended. */
  async finish(what: string, stream: AgentStream): Promise<{ code: number | null; output: string }> {
    const output: Buffer[] = [];
    // What came before the exit may still wait to be read when that is told.
    const read = [stream.data, stream.stderr].map(async (source) => {
      for await (const chunk of source) output.push(chunk as Buffer);
    });
    const [exit] = await within(PATIENCE, what, Promise.all([stream.ended, ...read]), consoleOf(this.spec));
    return { code: JSON.parse(exit.toString()).code, output: Buffer.concat(output).toString() };
  }

  /** How the machine ended, for tests that end it; fails when it does not. */
  ended(): Promise<MachineExit> {
    return within(PATIENCE, 'the machine ends', this.machine.stopped, consoleOf(this.spec));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine.stop();
    await new Promise((resolve) => this.#events.close(resolve));
    if (!this.#keep) rmSync(this.spec.runDir, { recursive: true, force: true });
  }
}

/** What a guest's console said last. */
export function consoleOf({ console }: MachineSpec): () => string {
  return () => logTail(console.path);
}
