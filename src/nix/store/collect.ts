// Garbage collection in the guest, down to the volume's file on the host, which shrinks.

import { statSync } from 'node:fs';
import { VzshellError } from '../../errors.ts';
import type { VmSpec } from '../../supervisor/spec.ts';
import { createCommands } from '../../vm/commands.ts';
import type { CommandContext } from '../../vm/context.ts';
import { COLLECT } from './collect-script.ts';

export interface Collected {
  /** Generations of dev shells that were forgotten. */
  readonly generations: number;
  /** Store paths that the volume no longer has. */
  readonly paths: number;
  /** Bytes that the volume's file takes less on this host. */
  readonly freed: number;
}

/** Collects the garbage of a running VM's store, and gives the space back to the host. */
export async function collectGarbage(spec: VmSpec, context: CommandContext, keep: number): Promise<Collected> {
  if (!Number.isInteger(keep) || keep < 1) {
    throw new VzshellError(
      'ERR_INVALID_OPTION',
      `expected \`keep\` to be a whole number of at least 1, got \`${String(keep)}\``,
    );
  }
  const before = taken(spec);
  const result = await createCommands(context).exec(
    'bash',
    ['-O', 'extglob', '-O', 'nullglob', '-c', COLLECT, 'vzshell', String(keep)],
    { user: 'root', cwd: '/', reject: false },
  );
  const [generations = Number.NaN, paths = Number.NaN] = result.stdout.trim().split(' ').map(Number);
  if (result.exitCode !== 0 || Number.isNaN(paths)) {
    throw new VzshellError('ERR_NIX', `the garbage of vm '${spec.name}' could not be collected`, {
      details: { stderr: result.stderr, exitCode: result.exitCode },
    });
  }
  return { generations, paths: Math.max(0, paths), freed: Math.max(0, before - taken(spec)) };
}

function taken({ volume }: VmSpec): number {
  return statSync(volume.path).blocks * 512;
}
