// What tests of the addon share: the addon itself over the look-alike, a configuration to change, a process of its own for what
// would end this one, and a guest whose vsock answers.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { AgentClient } from '../../src/agent/client.ts';
import type { VzBinding, VzEvent, VzMachine, VzNativeError } from '../../src/driver/vz/binding.ts';
import type { VzConfig } from '../../src/driver/vz/config.ts';
import { type Control, control as lookalikeControl } from '../lookalike/control.ts';
import { useLookalike } from '../lookalike/use.ts';

export const ADDON: string = useLookalike();
export const vz: VzBinding = createRequire(import.meta.url)(ADDON) as VzBinding;
export const control: Control = lookalikeControl(ADDON);

const GUEST = new URL('../../build/guest/arm64/', import.meta.url).pathname;
const PATIENCE = 90_000;
const ECHO_PORT = 5000;

/** A machine that boots to the agent. */
export function config(changes: Partial<VzConfig> = {}): VzConfig {
  return {
    cpus: 1,
    memory: 512 * 1024 * 1024,
    boot: {
      kind: 'linux',
      kernel: join(GUEST, 'kernel'),
      initrd: join(GUEST, 'initrd'),
      cmdline: 'console=hvc0 panic=-1 quiet',
    },
    platform: { machineIdentifier: null, nestedVirtualization: false },
    storage: [
      {
        device: 'virtio',
        id: 'image',
        attachment: { kind: 'image', path: join(GUEST, 'root.erofs'), readOnly: true },
      },
    ],
    network: [],
    shares: [],
    vsock: true,
    serial: [{ kind: 'none' }],
    consoles: [],
    entropy: true,
    balloon: false,
    graphics: [],
    keyboard: false,
    pointer: false,
    sound: [],
    usb: [],
    ...changes,
  };
}

/** Listens to what is of no interest. */
export function nobody(): void {
  // Nothing to do.
}

/** The error that a call ends with; fails when it ends well. */
export async function failure(call: () => unknown): Promise<VzNativeError> {
  try {
    await call();
  } catch (error) {
    return error as VzNativeError;
  }
  throw new Error('expected a failure, but the call went well');
}

/** What a machine tells, with a wait for what is to come. */
export class Events {
  readonly all: VzEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly listener = (event: VzEvent): void => {
    this.all.push(event);
    for (const check of [...this.#waiting]) check();
  };

  get states(): string[] {
    return this.all.flatMap((event) => (event.type === 'state' ? [event.state] : []));
  }

  /** The first event of this type, come or to come. */
  async next<T extends VzEvent['type']>(type: T): Promise<Extract<VzEvent, { type: T }>> {
    const found = (): VzEvent | undefined => this.all.find((event) => event.type === type);
    return await new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`no event '${type}' within ${PATIENCE} ms; there were ${JSON.stringify(this.all)}`));
      }, PATIENCE);
      const check = (): void => {
        const event = found();
        if (event === undefined) return;
        clearTimeout(late);
        this.#waiting.delete(check);
        resolve(event as Extract<VzEvent, { type: T }>);
      };
      this.#waiting.add(check);
      check();
    });
  }
}

/** A running machine whose agent has said hello, served at `path`. Dispose it. */
export class Guest implements AsyncDisposable {
  readonly machine: VzMachine;
  readonly events: Events;
  readonly directory: string;
  readonly agent: AgentClient;

  private constructor(machine: VzMachine, events: Events, directory: string) {
    this.machine = machine;
    this.events = events;
    this.directory = directory;
    this.agent = new AgentClient(join(directory, 'v.sock'));
  }

  static async boot(changes: Partial<VzConfig> = {}): Promise<Guest> {
    const directory = mkdtempSync('/tmp/vzn-');
    const events = new Events();
    const machine = new vz.Machine(config(changes), events.listener);
    const guest = new Guest(machine, events, directory);
    const hello = net.createServer().listen(`${guest.path}_1025`);
    try {
      const said = new Promise<net.Socket>((resolve) => hello.once('connection', resolve));
      await machine.serve(guest.path, [1025]);
      await machine.start();
      const ended = events.next('stopped').then(({ error }) => {
        throw new Error(`the guest ended while booting: ${error?.message}`);
      });
      ended.catch(nobody);
      const socket = await Promise.race([said, ended]);
      socket.destroy();
      return guest;
    } catch (error) {
      await guest[Symbol.asyncDispose]();
      throw error;
    } finally {
      hello.close();
    }
  }

  get path(): string {
    return join(this.directory, 'v.sock');
  }

  /** Has the guest echo on a vsock port. The program comes from the share `tools`: see `echoShare`. */
  async startEcho(): Promise<number> {
    await this.agent.configure({
      hostname: 'native',
      unixMs: Date.now(),
      user: { name: 'alice', uid: 1000, gid: 1000, group: 'alice', home: '/home/alice', shell: '/bin/bash' },
      shares: [{ tag: 'tools', target: '/mnt/tools', readOnly: true }],
      volume: null,
      tmpfsStore: true,
      network: 'none',
      nix: { conf: '' },
      env: {},
    });
    const argv = ['/mnt/tools/probe', 'echo', String(ECHO_PORT)];
    const stream = await this.agent.open({ op: 'exec', argv, user: 'root', stdin: false });
    await new Promise((resolve, reject) => {
      stream.data.once('data', resolve);
      stream.ended.then((exit) => reject(new Error(`the echo program ended: ${exit}`)), reject);
    });
    return ECHO_PORT;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * A running machine whose guest is a process that echoes on port 5000 and counts on 5001 (echo-helper.mjs), served at `path`. For
 * loads under which vhost-device-vsock loses bytes by itself.
 */
export async function echoMachine(path: string): Promise<VzMachine> {
  const machine = new vz.Machine(config(), nobody);
  await machine.serve(path, []);
  const before = process.env['VZ_LOOKALIKE_HELPER'];
  process.env['VZ_LOOKALIKE_HELPER'] =
    `env -u LD_PRELOAD ${process.execPath} ${new URL('echo-helper.mjs', import.meta.url).pathname}`;
  try {
    await machine.start();
  } finally {
    if (before === undefined) delete process.env['VZ_LOOKALIKE_HELPER'];
    else process.env['VZ_LOOKALIKE_HELPER'] = before;
  }
  return machine;
}

/** A connection through a served socket, after its `OK`. */
export async function dial(path: string, port: number): Promise<net.Socket> {
  const socket = net.connect({ path, allowHalfOpen: true });
  socket.on('error', () => socket.destroy());
  socket.write(`CONNECT ${port}\n`);
  const answer = await new Promise<string>((resolve) => {
    let line = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      line = Buffer.concat([line, chunk]);
      const end = line.indexOf('\n') + 1;
      if (end === 0) return;
      socket.off('data', read).pause();
      // The guest may speak first: what comes behind the answer is the caller's.
      if (line.length > end) socket.unshift(line.subarray(end));
      resolve(line.toString('latin1', 0, end));
    };
    socket.on('data', read).once('close', () => resolve(line.toString('latin1')));
  });
  if (!/^OK \d+\n$/.test(answer)) throw new Error(`CONNECT ${port} was answered '${answer}'`);
  return socket;
}

/** Sends bytes that are echoed, at most `window` of them under way, and gives back what came. */
export async function roundTrip(socket: net.Socket, bytes: Buffer, window: number = bytes.length): Promise<Buffer> {
  const back: Buffer[] = [];
  let received = 0;
  let sent = 0;
  const send = (): void => {
    const end = Math.min(bytes.length, received + window);
    if (end > sent) socket.write(bytes.subarray(sent, end));
    sent = end;
  };
  return await new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error(`closed with ${bytes.length - received} bytes to come`));
    const onData = (chunk: Buffer): void => {
      back.push(chunk);
      received += chunk.length;
      if (received < bytes.length) {
        send();
        return;
      }
      socket.off('data', onData).off('close', onClose).pause();
      resolve(Buffer.concat(back));
    };
    socket.on('data', onData).on('close', onClose).on('error', reject).resume();
    send();
  });
}

/** Destroys a socket, and waits until that is done. */
export async function destroyed(socket: net.Socket): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
}

/** Ends our half, and waits until the other side has ended its own. */
export async function ended(socket: net.Socket): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume().end();
  await closed;
}

/** A share that holds the guest's echo program. */
export function echoShare(): VzConfig['shares'] {
  const directory = mkdtempSync('/tmp/vzn-tools-');
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  execFileSync('go', ['build', '-trimpath', '-o', join(directory, 'probe'), '.'], {
    cwd: new URL('../bench/probe', import.meta.url),
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/local/go/bin`, GOARCH: 'arm64', CGO_ENABLED: '0' },
  });
  return [{ tag: 'tools', share: { kind: 'single', directory: { path: directory, readOnly: true } } }];
}

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly signal: string | null;
}

/** Runs a script in a process of its own, with `vz`, `config` and `control` at hand; `await` works. */
export function script(
  body: string,
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const source = `
    const vz = require(${JSON.stringify(ADDON)});
    const control = require(${JSON.stringify(join(ADDON, '../lookalike_control.node'))});
    control.attach(${JSON.stringify(ADDON)});
    const config = (changes) => ({ ...${JSON.stringify(config())}, ...changes });
    (async () => { ${body} })().catch((error) => { console.error(error); process.exit(99); });
  `;
  const child = spawn(process.execPath, ['--expose-gc', '-e', source], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (status, signal) => {
      clearTimeout(late);
      resolve({ stdout, stderr, status, signal });
    });
  });
  return { child, ended };
}

/**
 * Resolves when `look` gives this. For ends that nobody tells: a thread that is gone, an object that was freed on a queue. Fails
 * after a while with what was seen last.
 */
export async function settles<T>(look: () => T, wanted: T): Promise<void> {
  const until = Date.now() + 20_000;
  for (;;) {
    const seen = look();
    if (isDeepStrictEqual(seen, wanted)) return;
    if (Date.now() > until) throw new Error(`expected ${inspect(wanted)}, last seen ${inspect(seen, { depth: 4 })}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Open descriptors of this process. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The description that the look-alike wrote of the one machine that a script made. */
export function described(directory: string): Record<string, unknown> {
  const [file] = readdirSync(directory);
  return JSON.parse(readFileSync(join(directory, String(file)), 'utf8'));
}
