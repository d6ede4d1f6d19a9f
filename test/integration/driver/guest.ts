import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { AgentClient } from '../../../src/agent/client.ts';
import type { Machine, MachineExit, MachineSpec } from '../../../src/driver/driver.ts';
import { createQemuDriver } from '../../../src/driver/qemu/driver.ts';
import { validateMachineSpec } from '../../../src/driver/spec.ts';
import { logTail } from '../../../src/driver/tail.ts';
import { guestConfiguration, guestMachine } from '../../guest-machine.ts';
import { within } from '../../within.ts';

/** Milliseconds from start to the agent's first line; 3 where nothing else runs, and emulation on a busy host is slow. */
const BOOT = 60_000;

/** A run directory that goes with the test; short, for sockets. */
export function scratch(): string {
  const directory = mkdtempSync('/tmp/vzd-');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Guest {
  readonly spec: MachineSpec;
  readonly machine: Machine;
  readonly agent: AgentClient;
  readonly hello: Readonly<Record<string, unknown>>;
  /** How the machine ended, for tests that end it; fails when it does not. */
  ended(): Promise<MachineExit>;
}

/** Boots to the agent's hello. The machine goes with the test. */
export async function boot(changes: Partial<MachineSpec> = {}): Promise<Guest> {
  const directory = changes.runDir ?? scratch();
  const spec = guestMachine(directory, changes);
  validateMachineSpec(spec);
  const first = firstLine(`${spec.vsockPath}_1025`);
  const machine = await createQemuDriver({ probesFile: join(directory, 'probes.json') }).start(spec);
  onTestFinished(async () => void (await machine.stop()));
  const died = machine.stopped.then(({ reason, error }) => {
    throw new Error(`the machine ended while booting (${reason}): ${error?.message}\n${error?.hint}`);
  });
  const seen = (): string => logTail(spec.console.path);
  const line = await within(BOOT, 'the agent says hello', Promise.race([first, died]), seen);
  const ended = (): Promise<MachineExit> => within(15_000, 'the machine ends', machine.stopped, seen);
  return { spec, machine, agent: new AgentClient(spec.vsockPath), hello: JSON.parse(line), ended };
}

/** The first line that the guest sends on its event connection. */
function firstLine(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      createInterface({ input: socket }).on('line', resolve);
    });
    server.on('error', reject).listen(path);
    onTestFinished(() => void server.close());
    server.unref();
  });
}

/** Configures the guest with its shares below /mnt, writable as far as the guest is asked. */
export async function configure({ agent, spec }: Guest): Promise<void> {
  await agent.configure(guestConfiguration(spec));
}

/** Runs a shell script as root in the guest; its exit code and everything it wrote. */
export async function asRoot({ agent, spec }: Guest, script: string): Promise<{ code: number; output: string }> {
  const stream = await agent.open({ op: 'exec', argv: ['/bin/sh', '-c', script], user: 'root', stdin: false });
  const output: Buffer[] = [];
  const read = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) output.push(chunk);
  };
  const over = Promise.all([stream.ended, read(stream.data), read(stream.stderr)]);
  const [exit] = await within(100_000, script, over, () => logTail(spec.console.path));
  return { code: JSON.parse(exit.toString()).code, output: Buffer.concat(output).toString() };
}

/** The pid of a machine's process, by the start of its name. */
export function pidOf({ machine }: Guest, name: string): number {
  const found = machine.processes().find((process) => process.name.startsWith(name));
  if (found === undefined) throw new Error(`no ${name} among ${JSON.stringify(machine.processes())}`);
  return found.pid;
}

/** A directory below the machine's own, to share. */
export function directoryToShare(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path);
  return path;
}
