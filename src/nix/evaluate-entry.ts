import type { DevelopHost } from './develop-host.ts';
import type { CachedEnvironment } from './env-cache.ts';
import { plainValue } from './environment.ts';
import { type EvaluateOptions, evaluate } from './evaluate.ts';
import { guestPlaces, install } from './install.ts';
import { outputPaths } from './outputs.ts';
import { exportedVariables, rcScript } from './rc.ts';
import { flakeInputPaths } from './roots.ts';
import { isTaken } from './skipped-variables.ts';

export interface EntryOptions extends Omit<EvaluateOptions, 'profile'> {
  /** Names project and shell, in file names of the guest. */
  readonly slug: string;
  readonly key: string;
  /** The text of flake.lock after evaluation, which may write it. */
  readonly lock: () => string | null;
}

/** Evaluates, installs script and roots in the guest, and says how to enter. */
export async function evaluateEntry(
  host: DevelopHost,
  options: EntryOptions,
): Promise<Omit<CachedEnvironment, 'key' | 'format'>> {
  const places = guestPlaces(host.user.name, options.slug, options.key);
  const environment = await evaluate(host, { ...options, profile: places.profile });
  const attrs = environment.structuredAttrs;
  const attrsFiles = attrs === null ? null : { base: `${places.base}.attrs` };
  const inputs = flakeInputPaths(options.lock() ?? '');
  const storePath = await install(host, places, rcScript(environment, attrsFiles), attrs, inputs, options.signal);
  const unexported: Record<string, string> = {};
  for (const [name, variable] of environment.variables) {
    if (variable.type === 'var' && isTaken(name, variable.type)) unexported[name] = variable.value;
  }
  return {
    exported: exportedVariables(environment, attrsFiles),
    unexported,
    outputs: outputPaths(environment),
    hasHook: (plainValue(environment, 'shellHook') ?? '').trim() !== '',
    rc: `${places.base}.rc`,
    storePath,
  };
}
