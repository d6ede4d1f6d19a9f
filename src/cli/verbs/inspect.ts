import type { Command } from 'commander';
import { runPaths, statePaths } from '../../state/paths.ts';
import { ControlClient, NoSupervisor } from '../../supervisor/control-client.ts';
import { findVm } from '../../vm/find.ts';
import { say } from '../report.ts';
import { targetVm } from '../target.ts';

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('everything about a VM, as JSON: what it is, its host processes, its open streams')
    .argument('[vm]', 'name or id (default: the VM of this project)')
    .option('--json', 'as JSON, which it always is')
    .action(async (vm: string | undefined) => {
      const name = await targetVm(vm);
      const info = await findVm(name);
      if (info.problem !== null)
        say(`vm '${name}' is broken: ${info.problem}\n  delete it with \`vzshell delete ${name}\``);
      process.stdout.write(`${JSON.stringify({ ...info, ...(await alive(info.id)) }, null, 2)}\n`);
    });
}

/** What only a running supervisor knows. */
async function alive(id: string): Promise<object> {
  try {
    const { processes, streams } = await new ControlClient(runPaths(statePaths(), id).control).status();
    return { processes, streams };
  } catch (error) {
    if (error instanceof NoSupervisor) return { processes: [], streams: 0 };
    throw error;
  }
}
