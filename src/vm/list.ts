import { readdirSync } from 'node:fs';
import { runPaths, type StatePaths, statePaths } from '../state/paths.ts';
import { ControlClient, isAlive, NoSupervisor } from '../supervisor/control-client.ts';
import { readSpec } from '../supervisor/run-directory.ts';
import { brokenInfo, recordInfo, specInfo } from './info.ts';
import type { VmInfo } from './types.ts';

/** All VMs of this user, by name. Whatever is wrong with one is said of that one. */
export async function list(): Promise<VmInfo[]> {
  const paths = statePaths();
  const found = await Promise.all(directories(paths).map((id) => describe(paths, id)));
  return found.filter((info) => info !== null).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function directories(paths: StatePaths): string[] {
  try {
    return readdirSync(paths.runs);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function describe(paths: StatePaths, id: string): Promise<VmInfo | null> {
  const run = runPaths(paths, id);
  try {
    if (await isAlive(run.control)) return await ask(run.control);
    const spec = readSpec(run);
    // Without a spec it is a start that has not come so far yet, or came no further.
    return spec === null ? null : specInfo(spec, 'stopped');
  } catch (error) {
    return brokenInfo(id, (error as Error).message);
  }
}

async function ask(control: string): Promise<VmInfo | null> {
  try {
    const { state, record, spec, pid } = await new ControlClient(control).status();
    return record === null ? { ...specInfo(spec, state), pid } : recordInfo(record, state);
  } catch (error) {
    // It went away between two looks.
    if (error instanceof NoSupervisor) return null;
    throw error;
  }
}
