import { runPaths, statePaths } from '../state/paths.ts';
import { readSpec } from '../supervisor/run-directory.ts';
import { Vm } from '../vm/vm.ts';

/** The ids of images that VMs run from, each with the names of those. A stopped VM finds its image anew when it starts. */
export async function usedImages(): Promise<ReadonlyMap<string, readonly string[]>> {
  const used = new Map<string, string[]>();
  for (const { id, name, state } of await Vm.list()) {
    if (state === 'stopped' || state === 'broken') continue;
    const image = readSpec(runPaths(statePaths(), id))?.image.id;
    if (image !== undefined) used.set(image, [...(used.get(image) ?? []), name]);
  }
  return used;
}
