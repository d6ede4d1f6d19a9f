// What tests of the addon share: the addon itself over the look-alike, a configuration to change, a process of its own for what
// would end this one, and a guest whose vsock answers.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { VzBinding, VzEvent, VzNativeError } from '../../src/driver/vz/binding.ts';
import type { VzConfig } from '../../src/driver/vz/config.ts';
import { type Control, control as lookalikeControl } from '../lookalike/control.ts';
import { useLookalike } from '../lookalike/use.ts';

export const ADDON: string = useLookalike();
export const vz: VzBinding = createRequire(import.meta.url)(ADDON) as VzBinding;
export const control: Control = lookalikeControl(ADDON);

const GUEST = new URL('../../build/guest/arm64/', import.meta.url).pathname;
const PATIENCE = 90_000;

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

/** Resolves when nothing that is counted is more than it was. Less is well: what was under way before has ended since. */
export async function returns(
  look: () => Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Promise<void> {
  const more = (): unknown => Object.entries(look()).filter(([name, count]) => count > (before[name] ?? 0));
  await settles(more, []);
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
