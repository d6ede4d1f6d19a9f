// Finds and loads the addon. It is never part of a bundle: it lies beside the signed executable, as `../lib/vz.node`, or where
// VZSHELL_VZ_ADDON says (development and tests).

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VzshellError } from '../../errors.ts';
import type { VzBinding } from './binding.ts';

/** The number of binding.ts's contract. */
const CONTRACT = 1;

let loaded: VzBinding | null = null;

/** Where the addon is expected to be. */
export function addonPath(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.VZSHELL_VZ_ADDON;
  return given !== undefined && given !== '' ? given : join(dirname(process.execPath), '..', 'lib', 'vz.node');
}

/** Loads the addon, once. Throws ERR_HOST_BINARY when it is missing, does not load, or is of another version. */
export function loadAddon(): VzBinding {
  loaded ??= load(addonPath());
  return loaded;
}

function load(path: string): VzBinding {
  if (!existsSync(path)) {
    throw new VzshellError('ERR_HOST_BINARY', `the addon that drives Virtualization.framework is not at ${path}`, {
      hint: 'install vzshell again (`npm install vzshell`, without --omit=optional); in a checkout: npm run build:native',
    });
  }
  let binding: VzBinding;
  try {
    // Not `import`: a single executable can load nothing else from a file.
    binding = createRequire(process.execPath)(path) as VzBinding;
  } catch (cause) {
    throw new VzshellError('ERR_HOST_BINARY', `cannot load ${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'it must fit this system and processor, and carry a signature: install vzshell again, or run scripts/sign',
    });
  }
  if (binding.contract === CONTRACT) return binding;
  throw new VzshellError(
    'ERR_HOST_BINARY',
    `${path} is of another version: it speaks contract ${String(binding.contract)}, this vzshell ${CONTRACT}`,
    { hint: 'install vzshell again, so that both parts come from one release' },
  );
}
