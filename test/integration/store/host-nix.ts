// A Nix of the host's own: the real programs and a real daemon, on a store in a directory of the test's.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a directory holds, by the names of the files. */
type Files = Readonly<Record<string, string>>;

export class HostNix implements AsyncDisposable {
  readonly root: string;
  readonly store: string;
  readonly database: string;
  readonly #daemon: ChildProcess;
  readonly #before: NodeJS.ProcessEnv;

  /** Starts the daemon, with more lines of nix.conf, and makes this the Nix that this process finds. */
  static async start(conf = ''): Promise<HostNix> {
    const root = mkdtempSync('/tmp/vzn-');
    const socket = join(root, 'socket');
    // The tests may run as root, whose builds Nix would give to users that this host need not have.
    writeFileSync(join(root, 'nix.conf'), `build-users-group =\nsubstituters =\nsandbox = false\n${conf}`);
    const env = {
      ...process.env,
      NIX_CONF_DIR: root,
      NIX_DAEMON_SOCKET_PATH: socket,
      NIX_REMOTE: `local?root=${root}`,
    };
    const daemon = spawn('nix-daemon', [], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await new Promise<void>((resolve, reject) => {
      const watcher = watch(root, () => check());
      const late = setTimeout(() => end(new Error(`nix-daemon made no socket: ${said}`)), 20_000);
      const end = (error?: Error): void => {
        watcher.close();
        clearTimeout(late);
        if (error === undefined) resolve();
        else reject(error);
      };
      const check = (): void => {
        if (existsSync(socket)) end();
      };
      daemon.once('error', (error) => end(new Error(`cannot run nix-daemon (scripts/setup installs it): ${error}`)));
      daemon.once('exit', () => end(new Error(`nix-daemon ended: ${said}`)));
      check();
    });
    return new HostNix(root, socket, daemon);
  }

  private constructor(root: string, socket: string, daemon: ChildProcess) {
    this.root = root;
    this.store = join(root, 'nix/store');
    this.database = join(root, 'nix/var/nix/db/db.sqlite');
    this.#daemon = daemon;
    this.#before = { ...process.env };
    Object.assign(process.env, { NIX_REMOTE: `unix://${socket}?root=${root}`, NIX_CONF_DIR: root });
  }

  /** Makes this the Nix that this process finds, when another was made so since. */
  use(): void {
    Object.assign(process.env, {
      NIX_REMOTE: `unix://${join(this.root, 'socket')}?root=${this.root}`,
      NIX_CONF_DIR: this.root,
    });
  }

  run(program: string, ...args: string[]): string {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }

  /** Adds a directory of these files to the store. The path depends on name and contents alone. */
  add(name: string, files: Files): string {
    return this.addAll({ [name]: files })[0] ?? '';
  }

  /** Adds many such directories at once. */
  addAll(directories: Readonly<Record<string, Files>>): string[] {
    const source = mkdtempSync('/tmp/vzt-');
    try {
      for (const [name, files] of Object.entries(directories)) writeTree(join(source, name), files);
      const paths = Object.keys(directories).map((name) => join(source, name));
      return this.run('nix-store', '--add-fixed', '--recursive', 'sha256', ...paths).split('\n');
    } finally {
      rmSync(source, { recursive: true });
    }
  }

  /** Adds a file that refers to other paths. */
  addReferrer(name: string, ...paths: readonly string[]): string {
    const references = paths.map((path) => `${'${'}builtins.storePath "${path}"}`);
    const expression = `builtins.toFile "${name}" "refers to ${references.join(' ')}"`;
    return JSON.parse(this.run('nix-instantiate', '--eval', '--read-write-mode', '--expr', expression));
  }

  /** Where a store path of the guest lies here. */
  real(path: string): string {
    return this.root + path;
  }

  has(path: string): boolean {
    return existsSync(this.real(path));
  }

  /** Deletes a path and what refers to it although it is kept, as only the owner of a store can. */
  destroy(path: string): void {
    const env = { ...process.env, NIX_REMOTE: `local?root=${this.root}` };
    const paths = this.run('nix-store', '--query', '--referrers-closure', path).split('\n');
    execFileSync('nix-store', ['--delete', '--ignore-liveness', ...paths], { env, stdio: 'pipe' });
  }

  collect(): void {
    this.run('nix-store', '--gc');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of ['NIX_REMOTE', 'NIX_CONF_DIR'] as const) {
      const value = this.#before[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    const gone = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await gone;
    execFileSync('chmod', ['-R', 'u+w', this.root]);
    rmSync(this.root, { recursive: true });
  }
}

function writeTree(directory: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
  }
}
