import { VzshellError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import type { StatePaths } from '../state/paths.ts';
import { volumeNames } from './list.ts';

export function noSuchVolume(paths: StatePaths, name: string): VzshellError {
  const near = nearest(name, volumeNames(paths));
  return new VzshellError('ERR_NOT_FOUND', `there is no volume '${name}'`, {
    hint: near === null ? '`vzshell volume list` shows what there is' : `did you mean '${near}'?`,
  });
}
