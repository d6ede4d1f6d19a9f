import { createHash } from 'node:crypto';
import { basename } from 'node:path';

/** Longest VM name. The hash and its dash take seven of it. */
const MAX_NAME = 64;

/**
 * The stable VM name of a project: its base name, and six hex digits of its path, so that two checkouts of one repository are
 * two machines. Only characters that a VM name may have, whatever the directory is called.
 */
export function projectVmName(root: string): string {
  const plain = basename(root)
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
    .slice(0, MAX_NAME - 7);
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 6);
  return `${plain === '' ? 'project' : plain}-${hash}`;
}
