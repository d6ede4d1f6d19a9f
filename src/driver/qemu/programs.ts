// Where the programs of a machine are, and which versions. Only looked at: nothing is downloaded or installed from here.

import { execFile } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { VzshellError } from '../../errors.ts';
import { homeDirectory } from '../../state/home.ts';
import { programIn } from '../../state/program.ts';
import type { Arch, Missing } from '../driver.ts';
import { installCommand } from './install.ts';
import type { Memory } from './remember.ts';

/** The oldest QEMU whose emulated x86 runs today's kernels without random crashes. */
export const OLDEST_QEMU = 8;
/** Milliseconds that `--version` may take. */
const PATIENCE = 10_000;

export type ProgramName = 'qemu' | 'virtiofsd' | 'vhost-device-vsock' | 'setpriv';

export interface Program {
  readonly name: string;
  readonly path: string;
  readonly version: string;
}

export interface Programs {
  readonly found: Readonly<Partial<Record<ProgramName, Program>>>;
  readonly missing: readonly Missing[];
  /** QEMU has the firmware that boots an x86 kernel by its PVH entry fastest. */
  readonly qboot: boolean;
}

/** The file names that stand for each program. */
function fileNames(arch: Arch): Record<ProgramName, string> {
  return {
    qemu: arch === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64',
    virtiofsd: 'virtiofsd',
    'vhost-device-vsock': 'vhost-device-vsock',
    setpriv: 'setpriv',
  };
}

const PURPOSE: Record<ProgramName, string> = {
  qemu: 'it runs the virtual machine',
  virtiofsd: 'it shares directories with the guest',
  'vhost-device-vsock': 'it connects the host with the guest',
  setpriv: "it makes the machine's processes end with vzshell",
};

/** Folders that are searched, in this order. */
export function searchPath(env: NodeJS.ProcessEnv = process.env): string[] {
  const cache = env.XDG_CACHE_HOME || join(homeDirectory(), '.cache');
  return [
    ...(env.VZSHELL_TOOLS ? [env.VZSHELL_TOOLS] : []),
    ...(env.PATH ?? '').split(delimiter).filter(isAbsolute),
    join(cache, 'vzshell', 'tools', 'bin'),
    '/usr/libexec',
    '/usr/lib/virtiofsd',
    // Arch Linux: /usr/lib/virtiofsd is the program.
    '/usr/lib',
  ];
}

/** Looks for everything that a machine of this architecture needs. Never rejects: what is not there is in `missing`. */
export async function findPrograms(arch: Arch, memory: Memory): Promise<Programs> {
  const directories = searchPath();
  const names = Object.entries(fileNames(arch)) as [ProgramName, string][];
  const looked = await Promise.all(
    names.map(async ([name, file]) => ({ name, file, ...(await look(file, directories, memory)) })),
  );
  const found: Partial<Record<ProgramName, Program>> = {};
  const missing: Missing[] = [];
  for (const { name, file, path, version, trouble } of looked) {
    const old = name === 'qemu' && version !== null && Number.parseInt(version, 10) < OLDEST_QEMU;
    if (path !== null && version !== null && !old) found[name] = { name: file, path, version };
    else
      missing.push({
        what: file,
        why: whyMissing(name, path, trouble, old ? version : null),
        fix: installCommand(name, arch),
      });
  }
  return { found, missing, qboot: found.qemu !== undefined && hasQboot(found.qemu.path) };
}

/** All programs, or the error that says how to get what is missing. */
export function requirePrograms(programs: Programs): Record<ProgramName, Program> {
  if (programs.missing.length === 0) return programs.found as Record<ProgramName, Program>;
  const what = programs.missing.map(({ what, why }) => `${what} (${why})`).join('; ');
  const fixes = [...new Set(programs.missing.map(({ fix }) => fix))];
  throw new VzshellError('ERR_UNSUPPORTED_HOST', `this host lacks what a virtual machine needs: ${what}`, {
    hint: fixes.join('\n'),
    details: { missing: programs.missing.map(({ what }) => what) },
  });
}

function whyMissing(name: ProgramName, path: string | null, trouble: string | null, old: string | null): string {
  if (old !== null) return `${path} is version ${old}, ${OLDEST_QEMU} or newer is needed`;
  if (path !== null) return `${path} does not run: ${trouble}`;
  return `not found; ${PURPOSE[name]}`;
}

interface Look {
  readonly path: string | null;
  readonly version: string | null;
  readonly trouble: string | null;
}

async function look(file: string, directories: readonly string[], memory: Memory): Promise<Look> {
  const path = programIn(directories, file);
  if (path === null) return { path: null, version: null, trouble: null };
  try {
    return { path, version: await version(path, memory), trouble: null };
  } catch (error) {
    return { path, version: null, trouble: (error as Error).message.split('\n')[0] ?? '' };
  }
}

/** Asking costs a process, so that the answer is remembered for as long as the file stays the same. */
async function version(path: string, memory: Memory): Promise<string> {
  const stat = statSync(path);
  const key = `version of ${path} ${stat.size} ${stat.mtimeMs}`;
  const remembered = memory.recall(key);
  if (remembered !== null) return remembered;
  const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: PATIENCE, maxBuffer: 64 * 1024 });
  const answer = /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? 'unknown';
  memory.remember(key, answer);
  return answer;
}

function hasQboot(qemu: string): boolean {
  const prefix = dirname(dirname(realpathSync(qemu)));
  const folders = [join(prefix, 'share/qemu'), '/usr/share/qemu', '/usr/share/qemu-firmware', '/usr/local/share/qemu'];
  return folders.some((folder) => existsSync(join(folder, 'qboot.rom')));
}
