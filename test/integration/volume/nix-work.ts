// Nix at work in the guest: builds, and paths that come from the host as archives. It tells of each path when it is registered.

import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { GuestProcess, Vm } from 'vzshell';
import type { HostNix } from '../store/host-nix.ts';

/** Types of Nix's activities and results, in its JSON log. */
const COPY_PATH = 100;
const BUILD = 105;
const LOG_LINE = 101;
/** More than are ever finished: the power goes first. */
export const BUILDS = 16;
const FETCHES = 40;
/** Nobody else is asked for what is built. */
const BUILD_HERE = ['--option', 'substitute', 'false'];

interface LogEntry {
  readonly action: 'start' | 'stop' | 'result' | 'msg';
  readonly id?: number;
  readonly type?: number;
  readonly fields?: readonly unknown[];
}

/** One command. It emits `progress` when a path is finished, and when it ends itself. */
export class NixWork extends EventEmitter<{ progress: [] }> {
  /** Store paths that are built or fetched, and registered. */
  readonly finished: string[] = [];
  readonly total: number;
  /** Settles when there is nothing more to hear of it, which a power failure brings about as well. */
  readonly over: Promise<void>;
  #exitCode: number | null = null;
  /** What is being fetched, by activity. */
  readonly #fetching = new Map<number, string>();
  /** What a builder has made, and Nix has yet to register. */
  #built: string | null = null;
  #said = '';

  constructor(total: number, process: GuestProcess) {
    super();
    this.total = total;
    this.over = this.#follow(process).catch(() => undefined);
  }

  get failed(): boolean {
    return this.#exitCode !== null && this.#exitCode !== 0;
  }

  get ended(): boolean {
    return this.#exitCode !== null;
  }

  describe(): string {
    return `${this.finished.length} of ${this.total} paths, exit code ${this.#exitCode}:\n${this.#said}`;
  }

  async #follow(process: GuestProcess): Promise<void> {
    for await (const line of process.lines('stderr')) {
      this.#said = `${this.#said}${line}\n`.slice(-4000);
      if (line.startsWith('@nix ')) this.#take(JSON.parse(line.slice('@nix '.length)));
    }
    this.#exitCode = (await process.exited).exitCode;
    this.emit('progress');
  }

  #take({ action, id = 0, type, fields = [] }: LogEntry): void {
    const text = String(fields[0]);
    if (action === 'start' && type === COPY_PATH) this.#fetching.set(id, text);
    if (action === 'stop') this.#finish(this.#fetching.get(id));
    if (action === 'result' && type === LOG_LINE) this.#built = text;
    // One build at a time: the next begins when the last one is registered. Nix says that they have stopped when all have.
    if (action === 'start' && type === BUILD) this.#finish(this.#built ?? undefined);
  }

  #finish(path: string | undefined): void {
    if (path === undefined) return;
    this.finished.push(path);
    this.emit('progress');
  }
}

/** Derivations of the guest's own package set, each of random files; their seed makes every run build anew. */
function expression(count: number): string {
  return `let pkgs = (builtins.getFlake "path:/etc/vzshell/pkgs").legacyPackages.\${builtins.currentSystem};
    in builtins.genList (n: pkgs.mkDerivation {
      name = "built-\${toString n}";
      seed = "${randomUUID()}";
      buildCommand = ''
        mkdir $out
        for each in $(seq 4); do head -c 65536 /dev/urandom >$out/$each; done
        echo $out
      '';
    }) ${count}`;
}

/** Writes derivations of new paths. It takes longer than to build them. */
export async function instantiate(vm: Vm, count: number, options: readonly string[] = []): Promise<string[]> {
  const paths = `map (each: each.drvPath) (${expression(count)})`;
  const { stdout } = await vm.exec('nix', ['eval', '--json', '--offline', '--impure', ...options, '--expr', paths]);
  return JSON.parse(stdout);
}

/** Starts builds of derivations, one after the other. */
export function startBuilds(vm: Vm, derivations: readonly string[], options: readonly string[] = []): Promise<NixWork> {
  return startRealising(vm, derivations, derivations.length, [...BUILD_HERE, ...options]);
}

/** A new path of the host that refers to many others: no layer of a guest, for they hold renamed files, as on a Mac. */
export function addClosure(host: HostNix): string {
  const content = (): string => randomBytes(48 * 1024).toString('base64');
  const files = () => ({ DATA: content(), 'data~nix~case~hack~1': content() });
  const names = Array.from({ length: FETCHES }, (_, n) => `fetched-${n}`);
  const paths = host.addAll(Object.fromEntries(names.map((name) => [name, files()])));
  return host.addReferrer('fetched-all', ...paths);
}

/** Starts fetching a closure, many paths at once. */
export function startFetching(vm: Vm, top: string, options: readonly string[] = []): Promise<NixWork> {
  return startRealising(vm, [top], FETCHES + 1, options);
}

/** Builds one new path, and fetches a closure, to their ends. */
export async function realiseBoth(vm: Vm, top: string): Promise<void> {
  const [derivation = ''] = await instantiate(vm, 1);
  const build = vm.exec('nix-store', ['--realise', derivation, ...BUILD_HERE]);
  await Promise.all([build, vm.exec('nix-store', ['--realise', top])]);
}

async function startRealising(
  vm: Vm,
  paths: readonly string[],
  total: number,
  options: readonly string[],
): Promise<NixWork> {
  const args = ['--realise', ...paths, '-j1', '--log-format', 'internal-json', ...options];
  return new NixWork(total, await vm.spawn('nix-store', args));
}
