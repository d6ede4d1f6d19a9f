// A project of its own with a state directory of its own, and the real program to run in it. Whatever it starts is stopped.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const CLI: string = join(ROOT, 'bin/vzshell.js');
/** The guest that Macs run, and that boots everywhere. */
const SETTINGS = { arch: 'arm64', network: 'none', memory: '1GiB' };
/** Milliseconds for one run of the program, a boot included. */
const DEADLINE = 170_000;

export interface Result {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: Buffer | string;
  readonly env?: Readonly<Record<string, string>>;
}

export class TestProject {
  /** Where everything lies; short, because sockets lie there too. */
  readonly top: string;
  readonly root: string;
  readonly env: Record<string, string>;

  constructor(name: string) {
    this.top = realpathSync(mkdtempSync('/tmp/vzt-'));
    this.root = join(this.top, name);
    mkdirSync(this.root);
    const home = join(this.top, 'home');
    mkdirSync(home);
    this.env = { PATH: process.env.PATH ?? '', HOME: home, VZSHELL_HOME: join(this.top, 's') };
    for (const cache of ['XDG_CACHE_HOME', 'VZSHELL_IMAGE', 'VZSHELL_IMAGE_ARM64']) {
      const value = process.env[cache];
      if (value !== undefined) this.env[cache] = value;
    }
    // The programs that scripts/setup has built lie in the real cache.
    this.env.XDG_CACHE_HOME ??= join(process.env.HOME ?? '/root', '.cache');
    this.write('vzshell.json', JSON.stringify(SETTINGS));
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** Takes over the files of an example, but not its settings. */
  copyExample(name: string): void {
    cpSync(join(ROOT, 'examples', name), this.root, { recursive: true });
    this.write('vzshell.json', JSON.stringify(SETTINGS));
  }

  start(args: readonly string[], { cwd = this.root, env = {} }: RunOptions = {}): ChildProcessWithoutNullStreams {
    return spawn(CLI, args, { cwd, env: { ...this.env, ...env } });
  }

  /** Runs the program to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    const child = this.start(args, options);
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    return ended(child, args);
  }

  /** Runs it and gives stdout as text; anything but exit code 0 is an error that shows everything. */
  async out(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code === 0) return stdout.toString();
    throw new Error(`vzshell ${args.join(' ')} exited ${code}\nstdout: ${stdout.toString()}\nstderr: ${stderr}`);
  }

  /** The name of the project's VM. */
  async vmName(): Promise<string> {
    return (await this.out(['start'])).trim();
  }

  async remove(): Promise<void> {
    const vms = JSON.parse((await this.run(['list', '--json'])).stdout.toString() || '[]') as {
      name: string;
      state: string;
    }[];
    for (const { name, state } of vms)
      if (state !== 'stopped' && state !== 'broken') await this.run(['stop', '--force', name]);
    rmSync(this.top, { recursive: true, force: true });
  }
}

/** Waits for the end of a process, with a deadline that shows what it had said. */
export function ended(child: ChildProcessWithoutNullStreams, args: readonly string[]): Promise<Result> {
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(
          `vzshell ${args.join(' ')} did not end\nstdout: ${Buffer.concat(stdout).toString().slice(-2000)}\nstderr: ${stderr}`,
        ),
      );
    }, DEADLINE);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(stdout), stderr });
    });
  });
}

/** Resolves with what a stream has said as soon as `text` is in it; rejects when it ends without. */
export function said(stream: NodeJS.ReadableStream, text: string): Promise<string> {
  let seen = '';
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve(seen);
    });
    stream.on('end', () => reject(new Error(`it ended without saying '${text}': ${seen}`)));
  });
}
