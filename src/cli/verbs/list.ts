import type { Command } from 'commander';
import { escapeLine } from '../../agent/escape.ts';
import type { VmInfo } from '../../vm/types.ts';
import { Vm } from '../../vm/vm.ts';
import { table } from '../table.ts';

export function addList(program: Command): void {
  program
    .command('list')
    .description('all VMs of yours: running, stopped and broken')
    .option('--json', 'as JSON')
    .action(async ({ json }: { readonly json?: true }) => {
      const vms = await Vm.list();
      process.stdout.write(json ? `${JSON.stringify(vms, null, 2)}\n` : show(vms));
    });
}

const HEAD = ['NAME', 'STATE', 'ARCH', 'CPUS', 'MEMORY', 'VOLUME', 'UP', 'DIRECTORY'];

function show(vms: readonly VmInfo[]): string {
  return vms.length === 0 ? 'no VMs; `vzshell` in a project starts one\n' : table(HEAD, vms.map(row));
}

function row(vm: VmInfo): string[] {
  const { name, state, arch, cpus, memory, volume, startedAt, workdir, problem } = vm;
  return [
    escapeLine(name),
    state,
    arch ?? '-',
    cpus === null ? '-' : String(cpus),
    memory === null ? '-' : `${Math.round(memory / 1024 ** 2)} MiB`,
    volume ?? '-',
    state === 'running' && startedAt !== null ? since(Date.now() - Date.parse(startedAt)) : '-',
    escapeLine(problem ?? workdir ?? '-'),
  ];
}

function since(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1000)}s`;
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d`;
}
