// Dev shells. Warm entry is one exec: the environment comes from the host's cache, the command is rewritten before it goes out
// (`prepare`), and the agent itself checks that what the cache points to is still there (`requires`).

import type { VzshellError } from '../errors.ts';
import type { DevelopOptions, DevShell } from '../vm/types.ts';
import type { DevelopHost } from './develop-host.ts';
import { basePath, directEnvironment } from './direct.ts';
import { type Entrance, entrance } from './entrance.ts';
import type { CachedEnvironment } from './env-cache.ts';
import { EnvironmentSource, type Found } from './source.ts';

/** A dev shell that is ready to be entered, for a caller that starts its commands itself. */
export interface ReadyShell extends Entrance {
  readonly flake: string;
  readonly from: Found['from'];
  readonly entry: CachedEnvironment;
}

/** Finds the environment of a dev shell and says how to enter it. */
export async function enterDevShell(host: DevelopHost, options: DevelopOptions = {}): Promise<ReadyShell> {
  const source = new EnvironmentSource(host, options);
  const { entry: found, from } = await source.find();
  let entry = found;
  // A volume may have been garbage collected, or be older than the cache believes.
  const onStartError = async (error: VzshellError): Promise<boolean> => {
    if (error.details?.reason !== 'required-missing') return false;
    entry = await source.evaluate(undefined, entry);
    return true;
  };
  const ways = entrance({ ...host.context, onStartError }, host.home, () => entry);
  return { flake: source.flake, from, entry: found, ...ways };
}

/** Opens a dev shell with the ways of a VM to run something. */
export async function develop(host: DevelopHost, options: DevelopOptions = {}): Promise<DevShell> {
  const { flake, from, entry, commands, interactive } = await enterDevShell(host, options);
  const { createCommands } = await import('../vm/commands.ts');
  const { exec, $, spawn } = createCommands(commands);
  return {
    flake,
    from,
    env: directEnvironment(entry, { PATH: basePath(host.home) }, flake),
    exec,
    $,
    spawn,
    // No login shell here: it would set the guest's own PATH over that of the dev shell.
    sh: (script, shellOptions) => exec('bash', ['-c', script], shellOptions),
    shell: async (shellOptions = {}) => {
      const { attachTerminal } = await import('../vm/terminal.ts');
      return attachTerminal(interactive, ['bash'], shellOptions);
    },
  };
}
