// The processes behind one child: virtiofsd's work is done by what it forked into its namespaces.

import { readFileSync } from 'node:fs';
import type { Child } from './child.ts';

/** A child and its own children, which carry its name. */
export function processesOf(child: Child): { name: string; pid: number }[] {
  return [child.pid, ...forkedBy(child.pid)].map((pid) => ({ name: child.name, pid }));
}

function forkedBy(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
