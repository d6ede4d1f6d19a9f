// From flags, settings and the place where one stands to what is to be done. Nothing is started here.

import { posix } from 'node:path';
import type { Arch } from '../driver/driver.ts';
import { VzshellError } from '../errors.ts';
import { currentDirectory, findProject, isAbove, type Project } from '../project/find.ts';
import { projectVmName } from '../project/name.ts';
import type { Settings } from '../project/schema.ts';
import { loadSettings } from '../project/settings.ts';
import { homeDirectory } from '../state/home.ts';
import { isName, NAME_RULE } from '../state/names.ts';
import { statePaths } from '../state/paths.ts';
import type { Mount, VmOptions } from '../vm/types.ts';
import type { FlagValues } from './flags.ts';
import { listOf, textOf } from './parse-flags.ts';

export interface Plan {
  readonly project: Project | null;
  /** Of the VM; random for a throwaway one. */
  readonly name: string | null;
  /** What the VM must be; `name` and `detached` are added by who starts it. */
  readonly vm: VmOptions;
  /** The directory that is mounted for the sake of the command; null when there is none that could be. */
  readonly root: string | null;
  readonly cwd: string | null;
  readonly user: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** Null: the plain guest. */
  readonly devShell: { readonly shell?: string; readonly watch?: readonly string[] } | null;
  /** Why there is no dev shell although none was refused; else null. */
  readonly hint: string | null;
}

/** Directories of the system: one does not mount them to be in them. */
const SYSTEM = /^\/(?:bin|boot|dev|etc|lib|lib64|nix|proc|run|sbin|sys|usr|var)(?:\/|$)|^\/(?:tmp|home|mnt|opt|srv)?$/;

/** What `flags` and settings mean here. */
export async function makePlan(flags: FlagValues): Promise<Plan> {
  const here = currentDirectory();
  const project = findProject(here);
  const settings = await loadSettings(project?.root ?? null, statePaths().home);
  const root = project?.root ?? (mayBeMounted(here) ? here : null);
  const extra = await machineFlags(flags, settings, here);
  const throwaway = flags.rm === true;
  if (throwaway) refuseWithThrowaway(flags);
  const name = throwaway
    ? null
    : (textOf(flags, 'name') ?? settings.name ?? (root === null ? 'vzshell' : projectVmName(root)));
  // Before the volume takes its name from it, whose error would name the wrong flag.
  if (name !== null && !isName(name))
    throw new VzshellError('ERR_INVALID_OPTION', `name: expected ${NAME_RULE}, got '${name}'`);
  const own: Mount[] = root === null ? [] : [{ source: root, target: root }];
  const mounts = [...own, ...(extra.mounts ?? [])];
  const volume = textOf(flags, 'volume') ?? settings.volume ?? name;
  const hasFlake = project?.markers.includes('flake.nix') === true;
  return {
    project,
    name,
    vm: {
      ...extra,
      ...(mounts.length > 0 && { mounts }),
      ...(root !== null && { workdir: root }),
      ...(!throwaway && volume !== null && { volume }),
    },
    root,
    cwd: commandDirectory(flags, settings, root === null ? null : here),
    user: textOf(flags, 'user') ?? null,
    env: await commandEnvironment(flags, settings),
    devShell:
      hasFlake && flags.plain !== true
        ? {
            ...pick('shell', textOf(flags, 'shell') ?? settings.shell),
            ...pick('watch', settings.watch),
          }
        : null,
    hint: flags.plain === true || hasFlake ? null : noFlakeHint(project, root, flags),
  };
}

/** The options of a VM that flags and settings name, flags first. */
async function machineFlags(flags: FlagValues, settings: Settings, here: string): Promise<VmOptions> {
  const words = listOf(flags, 'mount');
  let mounts = settings.mounts ?? [];
  if (words.length > 0) {
    const { MOUNT_RULE, parseMount } = await import('../project/mount.ts');
    const given = words.map((word) => {
      const mount = parseMount(word, here);
      if (mount === null)
        throw new VzshellError('ERR_INVALID_OPTION', `--mount: expected ${MOUNT_RULE}, got '${word}'`);
      return mount;
    });
    mounts = [...mounts.filter(({ target }) => !given.some((mount) => mount.target === target)), ...given];
  }
  const image = await imageFlag(flags, settings, here);
  const idle = textOf(flags, 'idle-timeout');
  return {
    ...pick('image', image),
    ...pick('arch', choice<Arch>(flags, 'arch', ['arm64', 'x86_64']) ?? settings.arch),
    ...pick('cpus', count(flags) ?? settings.cpus),
    ...pick('memory', (await size(flags, 'memory')) ?? settings.memory),
    ...pick('disk', (await size(flags, 'disk')) ?? settings.disk),
    ...pick('network', choice(flags, 'network', ['nat', 'none'] as const) ?? settings.network),
    ...pick('store', choice(flags, 'store', ['auto', 'host', 'image'] as const) ?? settings.store),
    ...pick(
      'accelerator',
      choice(flags, 'accelerator', ['auto', 'hardware', 'emulation'] as const) ?? settings.accelerator,
    ),
    ...pick('idleTimeout', idle === undefined ? settings.idleTimeout : await duration(idle)),
    ...pick('startTimeout', settings.startTimeout),
    ...(mounts.length > 0 && { mounts }),
  };
}

async function imageFlag(flags: FlagValues, settings: Settings, here: string): Promise<string | undefined> {
  const text = textOf(flags, 'image');
  if (text === undefined) return settings.image;
  const [{ absolute }, { imageName }] = await Promise.all([
    import('../project/mount.ts'),
    import('../image/source.ts'),
  ]);
  return imageName(text, (path) => absolute(path, here));
}

async function commandEnvironment(flags: FlagValues, settings: Settings): Promise<Record<string, string>> {
  const [words, files] = [listOf(flags, 'env'), listOf(flags, 'env-file')];
  if (words.length + files.length === 0) return { ...settings.env };
  const { environment } = await import('./environment.ts');
  return { ...settings.env, ...environment(words, files) };
}

function commandDirectory(flags: FlagValues, settings: Settings, here: string | null): string | null {
  const given = textOf(flags, 'workdir') ?? settings.workdir;
  return given === undefined ? here : posix.resolve(here ?? '/', given);
}

function refuseWithThrowaway(flags: FlagValues): void {
  for (const name of ['name', 'volume'] as const) {
    if (flags[name] === undefined) continue;
    throw new VzshellError(
      'ERR_INVALID_OPTION',
      `--rm and --${name} contradict each other: a throwaway VM keeps nothing to be found by`,
    );
  }
}

/** The home directory, what contains it, and the system's directories are not mounted just because somebody stands there. */
function mayBeMounted(directory: string): boolean {
  return !isAbove(directory, homeDirectory()) && !SYSTEM.test(directory);
}

function noFlakeHint(project: Project | null, root: string | null, flags: FlagValues): string {
  if (textOf(flags, 'shell') !== undefined) {
    throw new VzshellError('ERR_INVALID_OPTION', '--shell names a dev shell, but there is no flake.nix here', {
      hint: 'run it below a directory with a flake.nix',
    });
  }
  if (root === null)
    return 'no project here and nothing mounted: this is a plain shell; `cd` into a project for its dev shell';
  const place = project === null ? 'this directory' : project.root;
  return `no flake.nix in ${place}: this is a plain shell; \`nix flake init\` begins a dev shell, --plain says that none is wanted`;
}

function count(flags: FlagValues): number | undefined {
  const text = textOf(flags, 'cpus');
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new VzshellError('ERR_INVALID_OPTION', `--cpus: expected a whole number, got '${text}'`);
}

async function size(flags: FlagValues, name: 'memory' | 'disk'): Promise<number | undefined> {
  const text = textOf(flags, name);
  if (text === undefined) return undefined;
  const { parseSize, SIZE_RULE } = await import('../project/quantity.ts');
  const bytes = parseSize(text);
  if (bytes !== null) return bytes;
  throw new VzshellError('ERR_INVALID_OPTION', `--${name}: expected ${SIZE_RULE}, got '${text}'`);
}

async function duration(text: string): Promise<number | null> {
  const { DURATION_RULE, parseDuration } = await import('../project/quantity.ts');
  const time = parseDuration(text);
  if (time !== null) return time === 'never' ? null : time;
  throw new VzshellError('ERR_INVALID_OPTION', `--idle-timeout: expected ${DURATION_RULE}, got '${text}'`);
}

function choice<const T extends string>(
  flags: FlagValues,
  name: 'arch' | 'network' | 'store' | 'accelerator',
  words: readonly T[],
): T | undefined {
  const text = textOf(flags, name);
  if (text === undefined) return undefined;
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  throw new VzshellError(
    'ERR_INVALID_OPTION',
    `--${name}: expected ${words.map((each) => `'${each}'`).join(' or ')}, got '${text}'`,
  );
}

function pick<K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]?: T });
}
