// Which project a directory belongs to. The project's root is mounted at its own path, so what counts as a root decides what the
// guest sees: the home directory and what contains it never count by accident (a dotfiles repository would mount everything).

import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { VzshellError } from '../errors.ts';
import { homeDirectory } from '../state/home.ts';

/** What makes a directory a project, in the order in which a root is described. */
export const MARKERS = ['flake.nix', 'vzshell.json', '.git'] as const;
export type Marker = (typeof MARKERS)[number];

export interface Project {
  /** Absolute host path of the root, as the kernel names it. */
  readonly root: string;
  /** Every marker that the root has. */
  readonly markers: readonly Marker[];
}

/** The nearest directory from `directory` upwards that holds a marker; null when there is none below the home directory. */
export function findProject(directory: string, home: string = homeDirectory()): Project | null {
  for (let root = directory; ; root = dirname(root)) {
    if (isAbove(root, home)) return null;
    const markers = MARKERS.filter((marker) => existsSync(join(root, marker)));
    if (markers.length > 0) return { root, markers };
    if (root === dirname(root)) return null;
  }
}

/** Whether `directory` is `path` or contains it. */
export function isAbove(directory: string, path: string): boolean {
  return directory === path || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

/** The current directory; a deleted one is said to be so, in place of Node's `uv_cwd`. */
export function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new VzshellError('ERR_INVALID_STATE', 'the current directory does not exist any more', {
      hint: 'it was deleted or replaced: `cd` to a directory that exists, or `cd "$PWD"` if it was made anew',
      cause,
    });
  }
}
