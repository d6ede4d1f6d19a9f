// Running guests: a real one, whose agent answers, and a process that echoes in place of one.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { AgentClient } from '../../src/agent/client.ts';
import type { VzMachine } from '../../src/driver/vz/binding.ts';
import type { VzConfig } from '../../src/driver/vz/config.ts';
import { guestConfiguration } from '../guest-machine.ts';
import { config, Events, nobody, vz } from './machine.ts';

const ECHO_PORT = 5000;

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
      ...guestConfiguration({ shares: [], network: 'none' }),
      shares: [{ tag: 'tools', target: '/mnt/tools', readOnly: true }],
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

/** A share that holds the guest's echo program. */
export function echoShare(): VzConfig['shares'] {
  const directory = new URL('../../build/native/guest-tools/', import.meta.url).pathname;
  execFileSync('go', ['build', '-trimpath', '-o', join(directory, 'probe'), '.'], {
    cwd: new URL('../bench/probe', import.meta.url),
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/local/go/bin`, GOARCH: 'arm64', CGO_ENABLED: '0' },
  });
  return [{ tag: 'tools', share: { kind: 'single', directory: { path: directory, readOnly: true } } }];
}
