// A project of somebody who is not root, and who can read nothing of root's: the package, the guest image and the daemons are
// put where everybody can.

import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPrograms } from '../../../src/driver/qemu/programs.ts';
import { Memory } from '../../../src/driver/qemu/remember.ts';
import { type RunOptions, TestProject } from '../cli/project.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export class OrdinaryProject extends TestProject {
  readonly uid: number;

  private constructor(name: string, uid: number) {
    super(name);
    this.uid = uid;
    // As on a machine that was just set up: state in the home, nothing named but what root had to bring.
    delete this.env.VZSHELL_HOME;
    delete this.env.XDG_CACHE_HOME;
  }

  /** A copy of `examples/hello`, and a home, that belong to `uid`; and all that is needed to run it. */
  static async create(uid: number): Promise<OrdinaryProject> {
    const project = new OrdinaryProject('hello', uid);
    const { top, env } = project;
    project.copyExample('hello');
    copyPackage(join(top, 'app'));
    env.VZSHELL_IMAGE = copyImage(join(top, 'image'));
    env.VZSHELL_TOOLS = await copyDaemons(join(top, 'tools'));
    chmodSync(top, 0o755);
    for (const owned of [project.root, env.HOME ?? '']) execFileSync('chown', ['-R', `${uid}:${uid}`, owned]);
    return project;
  }

  override start(
    args: readonly string[],
    { cwd = this.root, env = {} }: RunOptions = {},
  ): ChildProcessWithoutNullStreams {
    const who = [`--reuid=${this.uid}`, `--regid=${this.uid}`, '--clear-groups', '--inh-caps=-all'];
    const program = [process.execPath, join(this.top, 'app/bin/vzshell.js'), ...args];
    return spawn('setpriv', [...who, ...program], { cwd, env: { ...this.env, ...env } });
  }
}

/** What is in the package, with what it needs at run time. */
function copyPackage(to: string): void {
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), join(to, part), { recursive: true });
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(packages)) {
    if (path === '' || dev === true || !existsSync(join(ROOT, path))) continue;
    cpSync(join(ROOT, path), join(to, path), { recursive: true });
  }
}

function copyImage(to: string): string {
  const from = realpathSync(join(ROOT, 'build/guest/arm64'));
  mkdirSync(to);
  for (const file of readdirSync(from)) {
    try {
      linkSync(join(from, file), join(to, file));
    } catch {
      copyFileSync(join(from, file), join(to, file));
    }
  }
  return to;
}

/** Their whole folder's neighbours come with them: virtiofsd may be a script beside a C library of its own. */
async function copyDaemons(to: string): Promise<string> {
  const { found } = await findPrograms('arm64', new Memory(join(dirname(to), 'probes.json')));
  for (const name of ['virtiofsd', 'vhost-device-vsock'] as const) {
    const path = found[name]?.path;
    if (path === undefined) throw new Error(`${name} is not on this machine: scripts/setup`);
    cpSync(path, join(to, 'bin', name), { dereference: true });
    const neighbour = join(dirname(path), '..', name);
    if (!path.startsWith('/usr/') && existsSync(neighbour)) cpSync(neighbour, join(to, name), { recursive: true });
  }
  return join(to, 'bin');
}
