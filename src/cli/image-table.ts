import { escapeLine } from '../agent/escape.ts';
import { table } from './table.ts';

export interface ImageRow {
  readonly id: string;
  readonly arch: string | null;
  readonly nixVersion: string | null;
  readonly size: string;
  readonly installedAt: string;
  readonly vms: readonly string[];
  readonly sources: readonly string[];
  /** The package, for an image that this version was made with. */
  readonly pinned: string | null;
  readonly problem: string | null;
}

const HEAD = ['ID', 'ARCH', 'NIX', 'SIZE', 'SINCE', 'USED BY', 'FROM'];

/** What `vzshell image list` shows. */
export function imageTable(rows: readonly ImageRow[]): string {
  if (rows.length === 0) return 'no images; the first start fetches one, or `vzshell image pull`\n';
  return table(HEAD, rows.map(cells));
}

function cells({ id, arch, nixVersion, size, installedAt, vms, sources, pinned, problem }: ImageRow): string[] {
  const names = [...(pinned === null ? [] : [pinned]), ...sources.map((source) => source.replace(/ \S+$/, ''))];
  const from = problem === null ? names.join(', ') : `broken: ${problem}`;
  return [
    id,
    arch ?? '-',
    nixVersion ?? '-',
    size,
    installedAt.slice(0, 10),
    escapeLine(vms.join(', ')) || '-',
    escapeLine(from) || '-',
  ];
}
