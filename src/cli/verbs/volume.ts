import type { Command } from 'commander';
import { addVolumeClone } from './volume-clone.ts';
import { addVolumeDelete } from './volume-delete.ts';
import { addVolumeList } from './volume-list.ts';

export function addVolume(program: Command): void {
  const volume = program.command('volume').description('the disks on which VMs keep their Nix stores');
  for (const add of [addVolumeList, addVolumeClone, addVolumeDelete]) add(volume);
}
