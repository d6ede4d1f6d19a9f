import type { Command } from 'commander';
import { escapeLine } from '../../agent/escape.ts';
import { megabytes } from '../../image/problem.ts';
import { statePaths } from '../../state/paths.ts';
import { listVolumes, type VolumeInfo } from '../../volume/list.ts';
import { table } from '../table.ts';

const HEAD = ['NAME', 'USED', 'SIZE', 'SINCE', 'IN USE BY'];

export function addVolumeList(volume: Command): void {
  volume
    .command('list')
    .description('all volumes of yours, and what they take of the disk')
    .option('--json', 'as JSON')
    .action(async ({ json }: { readonly json?: true }) => {
      const volumes = await listVolumes(statePaths());
      process.stdout.write(json ? `${JSON.stringify(volumes, null, 2)}\n` : show(volumes));
    });
}

function show(volumes: readonly VolumeInfo[]): string {
  return volumes.length === 0
    ? 'no volumes; the first start of a project makes one\n'
    : table(HEAD, volumes.map(cells));
}

function cells({ name, used, size, createdAt, holder, problem }: VolumeInfo): string[] {
  const by = holder === null ? '-' : escapeLine(holder.vm);
  return [
    name,
    megabytes(used),
    megabytes(size),
    createdAt?.slice(0, 10) ?? '-',
    problem === null ? by : `broken: ${escapeLine(problem)}`,
  ];
}
