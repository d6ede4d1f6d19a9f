import { VzshellError } from '../errors.ts';
import { Vm } from '../vm/vm.ts';
import { type Joined, joinRunning } from './join.ts';

/** A running VM by name or id; what is wrong with it is said as `Vm.connect` says it. */
export async function joinVm(nameOrId: string): Promise<Joined> {
  const { name, id } = await Vm.connect(nameOrId);
  const joined = joinRunning(name, id);
  if (joined !== null) return joined;
  throw new VzshellError('ERR_VM_STOPPED', `vm '${name}' has stopped just now`, { hint: `vzshell logs ${name}` });
}
