// However a machine of the look-alike ends, nothing of it is left: no process, no directory. A leak here would pass for one of the
// addon's.

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useLookalike } from '../lookalike/use.ts';

const addon = useLookalike();
const guest = new URL('../../build/guest/arm64', import.meta.url).pathname;
/** Milliseconds for a machine to start or to end. */
const PATIENCE = 60_000;

// Starts a machine and tells of it, a line each: events as JSON, `up` when it runs, `paused`.
const OWNER = `
  const vz = require(${JSON.stringify(addon)});
  const config = {
    cpus: 1, memory: 512 * 1024 * 1024,
    boot: { kind: 'linux', kernel: ${JSON.stringify(join(guest, 'kernel'))}, initrd: ${JSON.stringify(join(guest, 'initrd'))}, cmdline: 'console=hvc0 quiet' },
    platform: { machineIdentifier: null, nestedVirtualization: false }, storage: [], network: [],
    shares: [{ tag: 'some', share: { kind: 'single', directory: { path: process.env.TMPDIR, readOnly: true } } }],
    vsock: true, serial: [], consoles: [], entropy: true, balloon: false, graphics: [], keyboard: false, pointer: false, sound: [], usb: [],
  };
  const machine = new vz.Machine(config, (event) => console.log(JSON.stringify(event)));
  const verbs = { exit: () => process.exit(0), pause: () => machine.pause().then(() => console.log('paused')) };
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => verbs[line]());
  machine.start().then(() => console.log('up'), (error) => console.log('failed: ' + error.message));
`;

class Owner {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #heard = new EventEmitter();

  constructor(directory: string) {
    this.child = spawn(process.execPath, ['-e', OWNER], {
      env: { ...process.env, TMPDIR: directory },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#lines.push(line);
      this.#heard.emit('line');
    });
  }

  say(verb: string): void {
    this.child.stdin?.write(`${verb}\n`);
  }

  hears(wanted: (line: string) => boolean, what: string): Promise<string> {
    return until<string>(what, (done) => {
      const look = (): void => {
        const found = this.#lines.find(wanted);
        if (found !== undefined) done(found);
      };
      this.#heard.on('line', look);
      look();
      return () => this.#heard.off('line', look);
    }).catch((error: Error) => {
      throw new Error(`${error.message}; heard: ${this.#lines.join(' | ')}`);
    });
  }
}

/** Waits for an event, with a limit; `listen` returns how to stop listening. */
function until<T>(what: string, listen: (done: (value: T) => void) => () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let stop: (() => void) | null = null;
    const timer = setTimeout(() => {
      stop?.();
      reject(new Error(`not within ${PATIENCE / 1000} s: ${what}`));
    }, PATIENCE);
    stop = listen((value) => {
      clearTimeout(timer);
      // Not before `listen` has returned.
      setImmediate(() => stop?.());
      resolve(value);
    });
  });
}

/** Processes whose command line has the name of the machine's directory: all but the helper. */
function processes(machine: string): { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(machine) ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}

function helperOf({ pid }: ChildProcess): number {
  const found = readdirSync('/proc').find((name) => {
    try {
      // pid (comm) state ppid
      return (
        /^\d+$/.test(name) &&
        readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] === String(pid)
      );
    } catch {
      return false;
    }
  });
  return Number(found);
}

describe('the helper', () => {
  let directory: string;
  let machine: string;
  let owner: Owner;

  beforeEach(async () => {
    directory = mkdtempSync('/tmp/vzlt-');
    owner = new Owner(directory);
    await owner.hears((line) => line === 'up' || line.startsWith('failed'), 'the machine runs');
    machine = String(readdirSync(directory)[0]);
    expect(machine).toMatch(/^vzl-/);
    expect(processes(machine).map(({ command }) => command)).toEqual(
      expect.arrayContaining([expect.stringContaining('qemu-system'), expect.stringContaining('virtiofsd')]),
    );
  });

  afterEach(() => {
    owner.child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  /** The directory is what goes last. */
  function directoryGoes(): Promise<void> {
    return until<void>(`${directory} is empty (${readdirSync(directory)})`, (done) => {
      const look = (): void => {
        if (readdirSync(directory).length === 0) done();
      };
      const watcher = watch(directory, look);
      look();
      return () => watcher.close();
    });
  }

  it('takes everything with it when the owner is killed', async () => {
    owner.child.kill('SIGKILL');
    await directoryGoes();
    expect(processes(machine)).toEqual([]);
  });

  it('takes everything with it when the owner exits with a paused machine', async () => {
    owner.say('pause');
    await owner.hears((line) => line === 'paused', 'the machine pauses');
    owner.say('exit');
    await directoryGoes();
    expect(processes(machine)).toEqual([]);
  });

  it.each(['helper', 'qemu-system', 'virtiofsd', 'vhost-device-vsock'])('tells that %s was killed', async (victim) => {
    const pid =
      victim === 'helper'
        ? helperOf(owner.child)
        : processes(machine).find(({ command }) => command.includes(victim) && !command.includes('setpriv'))?.pid;
    process.kill(Number(pid), 'SIGKILL');
    const line = await owner.hears(
      (text) => text.includes('"stopped"') && text.includes('"type":"stopped"'),
      'the machine ends',
    );
    expect(JSON.parse(line)).toMatchObject({ type: 'stopped', error: { domain: 'VZErrorDomain', nativeCode: 1 } });
  });
});
