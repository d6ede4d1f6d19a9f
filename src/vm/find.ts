import { VzshellError } from '../errors.ts';
import { candidates } from './connect.ts';
import { list } from './list.ts';
import type { VmInfo } from './types.ts';

/** What is known of the VM that this name or id means, running or not. A broken one, whose name cannot be read, is found too. */
export async function findVm(nameOrId: string): Promise<VmInfo> {
  const ids = candidates(nameOrId);
  const info = (await list()).find(({ name, id }) => name === nameOrId || ids.includes(id));
  if (info !== undefined) return info;
  throw new VzshellError('ERR_NOT_FOUND', `there is no vm '${nameOrId}'`, {
    hint: '`vzshell list` shows what there is',
  });
}
