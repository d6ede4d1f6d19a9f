import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** The name of the shell that Nix takes when none is named. */
export const DEFAULT_SHELL = 'default';

/**
 * What to call a flake on Nix's command line from inside its directory. Never its path: `.` needs no escaping, whatever the
 * directory is called, and it is looked up upwards as Nix always does. The default shell is not named, so that Nix tries
 * `devShell` and packages too, as `nix develop` does.
 */
export function flakeReference(shell: string, hostPath: string | null): string {
  const base = hostPath !== null && isDetachedCheckout(hostPath) ? 'path:.' : '.';
  return shell === DEFAULT_SHELL ? base : `${base}#${encodeURIComponent(shell)}`;
}

/**
 * Whether `.git` is a file that points out of the directory, as in a worktree or a submodule. The repository is then not in the
 * guest, and git would refuse the checkout; as a plain path Nix reads it all the same.
 */
function isDetachedCheckout(directory: string): boolean {
  try {
    const target = /^gitdir: (.+)$/m.exec(readFileSync(join(directory, '.git'), 'utf8'))?.[1];
    if (target === undefined) return false;
    const gitDirectory = isAbsolute(target) ? target : join(directory, target);
    return !gitDirectory.startsWith(`${directory}/`);
  } catch {
    return false;
  }
}
