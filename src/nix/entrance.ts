import type { CommandContext } from '../vm/context.ts';
import type { DevelopOptions } from '../vm/types.ts';
import type { DevelopHost } from './develop-host.ts';
import { enterCommand, enterShell } from './enter.ts';
import type { CachedEnvironment } from './env-cache.ts';
import { EnvironmentLookup } from './lookup.ts';

/** The ways into a dev shell. */
export interface Entrance {
  /** Commands that are started with it run in the dev shell. */
  readonly commands: CommandContext;
  /** A terminal that is started with it is an interactive shell of the dev shell, whatever its argv. */
  readonly interactive: CommandContext;
}

/** The ways into the environment that `entry` gives at the time of a start. */
export function entrance(context: CommandContext, home: string, entry: () => CachedEnvironment): Entrance {
  return {
    commands: { ...context, prepare: (start) => enterCommand(start, entry(), home) },
    interactive: { ...context, prepare: (start) => enterShell(start, entry(), home) },
  };
}

/** The dev shell if it is cached, else null. That the guest has lost it is an error of the start: `required-missing`. */
export function cachedEntrance(host: DevelopHost, options: DevelopOptions): Entrance | null {
  const lookup = new EnvironmentLookup(host, options);
  const entry = lookup.get(lookup.now());
  return entry === null ? null : entrance(host.context, host.home, () => entry);
}
