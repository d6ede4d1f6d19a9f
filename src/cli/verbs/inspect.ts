import type { Command } from 'commander';
import { AgentClient } from '../../agent/client.ts';
import { runPaths, statePaths } from '../../state/paths.ts';
import { ControlClient, NoSupervisor } from '../../supervisor/control-client.ts';
import { findVm } from '../../vm/find.ts';
import { say } from '../report.ts';
import { targetVm } from '../target.ts';

/** Milliseconds. */
const AGENT_PATIENCE = 2_000;

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description(
      'everything about a VM, as JSON: what it is, its host processes, its open streams, what its shares cost',
    )
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

/** What only a running supervisor and the guest's agent know. */
async function alive(id: string): Promise<object> {
  const { control, vsock } = runPaths(statePaths(), id);
  try {
    const { processes, streams, shares } = await new ControlClient(control).status();
    return { processes, streams, shares: shares ? { ...shares, inodes: await inodes(vsock) } : null };
  } catch (error) {
    if (error instanceof NoSupervisor) return { processes: [], streams: 0, shares: null };
    throw error;
  }
}

/** Inodes of shares that the guest remembers; null when it does not answer: a guest that hangs is worth inspecting. */
async function inodes(vsock: string): Promise<number | null> {
  const stats = await new AgentClient(vsock).stats({ timeoutMs: AGENT_PATIENCE }).catch(() => null);
  return stats?.shareInodes ?? null;
}
