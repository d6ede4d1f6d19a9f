// Where images that were fetched or imported lie: one directory each in `images` of the state directory.

import { join } from 'node:path';
import { statePaths } from '../state/paths.ts';

const ID = /^[0-9a-f]{16}$/;

export interface CachePaths {
  readonly directory: string;
  readonly downloads: string;
  readonly lock: string;
}

export function cachePaths(env?: NodeJS.ProcessEnv): CachePaths {
  const directory = join(statePaths(env).home, 'images');
  return { directory, downloads: join(directory, 'downloads'), lock: join(directory, 'lock') };
}

/** Whether a text may be the id of an image. */
export function isImageId(text: string): boolean {
  return ID.test(text);
}

/** The directory of an image, there or not. */
export function imageDirectory(id: string, env?: NodeJS.ProcessEnv): string {
  return join(cachePaths(env).directory, id);
}
