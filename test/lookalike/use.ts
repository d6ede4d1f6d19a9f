// Sets this process and its children up for the addon over the look-alike.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the build leaves the addon. */
export const LOOKALIKE_ADDON: string = join(root, 'build/Release/vz.node');
/** The program that runs one machine. It takes `dist/`: build first. */
export const LOOKALIKE_HELPER: string = join(root, 'test/lookalike/helper');

/** Names the addon and the helper in the environment, unless something else is named there. Returns the addon's path. */
export function useLookalike(): string {
  process.env['VZSHELL_VZ_ADDON'] ??= LOOKALIKE_ADDON;
  process.env['VZ_LOOKALIKE_HELPER'] ??= LOOKALIKE_HELPER;
  process.env['VZ_LOOKALIKE_NODE'] ??= process.execPath;
  return process.env['VZSHELL_VZ_ADDON'];
}
