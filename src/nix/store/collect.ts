// Garbage collection in the guest, down to the volume's file on the host, which shrinks.

import { statSync } from 'node:fs';
import { VzshellError } from '../../errors.ts';
import type { VmSpec } from '../../supervisor/spec.ts';
import { createCommands } from '../../vm/commands.ts';
import type { CommandContext } from '../../vm/context.ts';

export interface Collected {
  /** Generations of dev shells that were forgotten. */
  readonly generations: number;
  /** Store paths that the volume no longer has. */
  readonly paths: number;
  /** Bytes that the volume's file takes less on this host. */
  readonly freed: number;
}

// Argument: generations kept. Nix's own figures are of no use: on a store in layers it counts what it never had to delete.
const COLLECT = `set -eu
keep=$1 upper=/nix/.l/vol/store forgotten=0
before=$(ls -1 "$upper" | wc -l)
for profile in /nix/var/nix/profiles/vzshell/*/*; do
  case $profile in *-+([0-9])-link|*.rc|*.attrs.sh|*.attrs.json|*.tmp) continue ;; esac
  [ -L "$profile" ] || continue
  while IFS= read -r link; do rm -f -- "$link"; forgotten=$((forgotten + 1)); done < <(ls -1 -v -- "$profile"-+([0-9])-link | head -n -"$keep")
  while IFS= read -r rc; do rm -f -- "$rc" "\${rc%.rc}.attrs.sh" "\${rc%.rc}.attrs.json"; done < <(ls -1 -t -- "$profile"-+([0-9a-f]).rc 2>/dev/null | tail -n +"$((keep + 1))")
done
nix-collect-garbage >/dev/null
sync -f "$upper"
fstrim /nix/.l/vol || echo "fstrim: the volume cannot give space back" >&2
echo "$forgotten $((before - $(ls -1 "$upper" | wc -l)))"
`;

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
