import { ensureVm } from '../vm/ensure.ts';
import type { VmOptions } from '../vm/types.ts';
import { Vm } from '../vm/vm.ts';
import { interruptible } from './interruptible.ts';
import { joinRunning } from './join.ts';
import type { Progress } from './progress.ts';
import { say } from './report.ts';

/** Joins the VM of that name or starts it, to live on by itself. True when it ran already. */
export async function startVm(
  name: string,
  options: VmOptions,
  progress: Progress,
): Promise<{ readonly vm: Vm; readonly joined: boolean }> {
  return interruptible(async (signal) => {
    const ensured = await ensureVm({ ...options, name, signal, onProgress: progress.onStart });
    progress.phase(null);
    if (!ensured.joined) sayAccelerator(ensured.vm, progress);
    return ensured;
  });
}

/** Starts a VM that ends with this process and leaves nothing. */
export async function startThrowaway(options: VmOptions, progress: Progress): Promise<Vm> {
  return interruptible(async (signal) => {
    const vm = await Vm.create({ ...options, signal, onProgress: progress.onStart });
    progress.phase(null);
    sayAccelerator(vm, progress);
    return vm;
  });
}

/** Emulation is slow, and who runs into it should know that it is not vzshell. Hardware is what one expects. */
function sayAccelerator(vm: Vm, progress: Progress): void {
  const { accelerator, arch, name } = vm.info;
  progress.verbose(`vm '${name}' runs (${arch}, ${accelerator ?? 'unknown accelerator'})`);
  if (accelerator === null || !/tcg|emulat/i.test(accelerator)) return;
  progress.erase();
  const note = joinRunning(name)?.record.acceleratorNote ?? null;
  say(`this VM is emulated in software (${accelerator})${note === null ? '' : `: ${note}`}`);
}
