import { DEFAULT_SHELL, flakeReference } from './flake-ref.ts';

/**
 * Plain `nix develop`, for who wants nothing of ours in between: to be run in the flake's directory or below, where Nix finds it
 * by looking upwards. `root` is the flake on the host; a null `command` makes it interactive.
 */
export function nixDevelop(
  network: 'nat' | 'none',
  shell: string | undefined,
  root: string | null,
  command: readonly string[] | null,
): string[] {
  const offline = network === 'none' ? ['--offline'] : [];
  const run = command === null ? [] : ['--command', ...command];
  return ['nix', 'develop', ...offline, flakeReference(shell ?? DEFAULT_SHELL, root), ...run];
}
