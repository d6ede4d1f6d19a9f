import type { Command } from 'commander';
import { VzshellError } from '../../errors.ts';
import { Vm } from '../../vm/vm.ts';
import { targetVm } from '../target.ts';

/** One side of a copy. `vm` is null for the host, and empty for the VM of this project. */
export interface Place {
  readonly vm: string | null;
  readonly path: string;
}

export function addCp(program: Command): void {
  program
    .command('cp')
    .description('copy a file or a directory between host and guest, like `cp -R`')
    .argument('<src>', 'a path, or VM:PATH in a guest; `:PATH` is in the VM of this project')
    .argument('<dst>', 'the same; an existing directory gets the copy into it')
    .action(async (src: string, dst: string) => {
      const [from, to] = [parsePlace(src), parsePlace(dst)];
      if ((from.vm === null) === (to.vm === null)) {
        const both = from.vm === null ? 'on the host: use `cp`' : 'in guests: copy to the host first';
        throw new VzshellError('ERR_INVALID_OPTION', `'${src}' and '${dst}' are both ${both}`, {
          hint: 'a path in a guest is written VM:PATH, or :PATH for the VM of this project',
        });
      }
      const vm = await Vm.connect(await targetVm(from.vm ?? to.vm ?? ''));
      if (from.vm === null) await vm.copyIn(from.path, to.path);
      else await vm.copyOut(from.path, to.path);
    });
}

/** `VM:PATH` or a path of the host. What begins with `/` or `.` is the host's, colons or not. */
export function parsePlace(text: string): Place {
  const colon = text.indexOf(':');
  if (colon < 0 || /^[./]/.test(text)) return { vm: null, path: text };
  const vm = text.slice(0, colon);
  const path = text.slice(colon + 1);
  if (vm.includes('/')) return { vm: null, path: text };
  return { vm, path: path === '' ? '.' : path };
}
