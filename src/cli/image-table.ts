import { escapeLine } from '../agent/escape.ts';

export interface ImageRow {
  readonly id: string;
  readonly arch: string | null;
  readonly nixVersion: string | null;
  readonly size: string;
  readonly installedAt: string;
  readonly vms: readonly string[];
  readonly sources: readonly string[];
  readonly problem: string | null;
}

const HEAD = ['ID', 'ARCH', 'NIX', 'SIZE', 'SINCE', 'USED BY', 'FROM'];

/** What `vzshell image list` shows. */
export function imageTable(rows: readonly ImageRow[]): string {
  if (rows.length === 0) return 'no images; the first start fetches one, or `vzshell image pull`\n';
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => [...(line[column] ?? '')].length)));
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function cells({ id, arch, nixVersion, size, installedAt, vms, sources, problem }: ImageRow): string[] {
  const from =
    problem === null ? sources.map((source) => source.replace(/ \S+$/, '')).join(', ') : `broken: ${problem}`;
  return [
    id,
    arch ?? '-',
    nixVersion ?? '-',
    size,
    installedAt.slice(0, 10),
    vms.join(', ') || '-',
    escapeLine(from) || '-',
  ];
}
