// Verdaccio, the registry that people run themselves, in a network of its own where the loopback is all there is. It is installed once, in an
// exact version, beside the other tools of this machine's cache: as a dependency of this package everybody would wait for it.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The newest that runs on Node 20. */
const VERSION = '6.8.0';
/** One of its parts asks for a tag, which not every mirror has. */
const PACKAGE = { private: true, dependencies: { verdaccio: VERSION }, overrides: { 'node-fetch': '2.7.0' } };
/** Milliseconds. */
const PATIENCE = 60_000;
const PORT = 4873;

/** Installs it if it is not there; the directory of its package. */
export function installVerdaccio(): string {
  const tools = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vzshell', 'tools');
  const place = join(tools, `verdaccio-${VERSION}`);
  const program = join(place, 'node_modules', 'verdaccio', 'bin', 'verdaccio');
  if (existsSync(program)) return program;
  mkdirSync(tools, { recursive: true });
  const scratch = mkdtempSync(join(tools, 'verdaccio.'));
  try {
    writeFileSync(join(scratch, 'package.json'), JSON.stringify(PACKAGE));
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
      cwd: scratch,
    });
    rmSync(place, { recursive: true, force: true });
    renameSync(scratch, place);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return program;
}

/** A network without anything but its own loopback, or, for who is not root, this one. */
export class Island {
  /** What to put before a command so that it runs there. */
  readonly enter: readonly string[];
  readonly #keeper: ChildProcess | null;

  private constructor(keeper: ChildProcess | null) {
    this.#keeper = keeper;
    this.enter = keeper === null ? [] : ['nsenter', `--net=/proc/${keeper.pid}/ns/net`];
  }

  static async create(): Promise<Island> {
    if (process.getuid?.() !== 0) return new Island(null);
    const script = 'ip link set lo up && echo up && exec cat';
    const keeper = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    keeper.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const up = once(keeper.stdout, 'data').then(() => true);
    const ended = once(keeper, 'close').then(() => false);
    if (await Promise.race([up, ended])) return new Island(keeper);
    throw new Error(`cannot make a network of its own (needs iproute2 and util-linux): ${said}`);
  }

  async remove(): Promise<void> {
    if (this.#keeper === null) return;
    const gone = once(this.#keeper, 'close');
    this.#keeper.stdin?.end();
    await gone;
  }
}

export class Verdaccio {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #gone: Promise<unknown>;

  private constructor(url: string, child: ChildProcess, gone: Promise<unknown>) {
    this.url = url;
    this.#process = child;
    this.#gone = gone;
  }

  /** Starts it with a storage of its own, no other registry behind it, and nothing for who is not logged in. */
  static async start(directory: string, island: Island): Promise<Verdaccio> {
    const port = island.enter.length === 0 ? await freePort() : PORT;
    const url = `http://127.0.0.1:${port}/`;
    const access = { access: '$authenticated', publish: '$authenticated' };
    // YAML, as it wants it, is a superset of JSON.
    const config = {
      storage: join(directory, 'storage'),
      auth: { htpasswd: { file: join(directory, 'htpasswd'), max_users: 1 } },
      uplinks: {},
      packages: { '@*/*': access, '**': access },
      max_body_size: '500mb',
      web: { enable: false },
      log: { type: 'stdout', format: 'json', level: 'http' },
    };
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'config.yaml'), JSON.stringify(config));
    const program = [installVerdaccio(), '--config', join(directory, 'config.yaml'), '--listen', `127.0.0.1:${port}`];
    const [command = '', ...args] = [...island.enter, process.execPath, ...program];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: directory });
    const gone = once(child, 'close');
    const lines = createInterface({ input: child.stdout });
    let last = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`verdaccio did not start: ${last}`)), PATIENCE);
      lines.on('line', (line) => {
        last = line;
        if (!line.includes('http address')) return;
        clearTimeout(timer);
        resolve();
      });
      void gone.then(() => reject(new Error(`verdaccio ended: ${last}`)));
    });
    return new Verdaccio(url, child, gone);
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
