// Entering a dev shell without a shell. An environment without a shellHook is nothing but variables: bash would only set them and
// exec the command, so the agent sets them itself, which saves starting a bash for every command.

import { type OutputPath, redirectOutputs } from './outputs.ts';
import { APPENDED } from './skipped-variables.ts';

/** What of an environment is needed to run a command directly. */
export interface DirectParts {
  readonly exported: Readonly<Record<string, string>>;
  /** Variables that are set without being exported: they count only where the caller's environment exports the name. */
  readonly unexported: Readonly<Record<string, string>>;
  readonly outputs: readonly OutputPath[];
}

/** Variables that every process of the guest gets (guest/CONTRACT.md 5). */
const BASE_NAMES: ReadonlySet<string> = new Set(['USER', 'LOGNAME', 'SHELL', 'LANG', 'PATH']);

/** The PATH of a process in the guest before anything is added to it (guest/CONTRACT.md 5). */
export function basePath(home: string): string {
  const own = `${home}/.nix-profile/bin`;
  return `/run/wrappers/bin:${own}:/run/current-system/sw/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin`;
}

/**
 * The variables of the dev shell for a command in `cwd`, as bash would export them after the script of `rc.ts`. `base` holds
 * what the caller's environment is known to have; its PATH and XDG_DATA_DIRS go on behind the dev shell's.
 */
export function directEnvironment(
  parts: DirectParts,
  base: Readonly<Record<string, string>>,
  cwd: string,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(parts.unexported)) {
    if (name in base || BASE_NAMES.has(name)) env[name] = redirectOutputs(value, parts.outputs, cwd);
  }
  for (const [name, value] of Object.entries(parts.exported)) env[name] = redirectOutputs(value, parts.outputs, cwd);
  for (const name of APPENDED) {
    const saved = base[name] ?? '';
    if (!(name in env) && !(name in base)) continue;
    env[name] = `${env[name] ?? saved}${saved === '' ? '' : `:${saved}`}`;
  }
  return env;
}
