import type { Command } from 'commander';
import { addImageImport } from './image-import.ts';
import { addImageInspect } from './image-inspect.ts';
import { addImageList } from './image-list.ts';
import { addImagePrune } from './image-prune.ts';
import { addImagePull } from './image-pull.ts';

export function addImage(program: Command): void {
  const image = program.command('image').description('guest images: what VMs boot from');
  for (const add of [addImageList, addImagePull, addImageInspect, addImageImport, addImagePrune]) add(image);
}
