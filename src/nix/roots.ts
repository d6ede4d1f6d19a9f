import { sourceStorePath } from './store-path.ts';

/**
 * The store paths of a flake's inputs, from the text of its flake.lock. They are rooted beside the environment: without its
 * inputs the next evaluation would download them again after a garbage collection. Unknown lock formats give none.
 */
export function flakeInputPaths(lock: string): string[] {
  let nodes: unknown;
  try {
    nodes = (JSON.parse(lock) as { nodes?: unknown } | null)?.nodes;
  } catch {
    return [];
  }
  if (typeof nodes !== 'object' || nodes === null) return [];
  const paths = new Set<string>();
  for (const node of Object.values(nodes) as ({ locked?: { narHash?: unknown } } | null)[]) {
    const narHash = node?.locked?.narHash;
    const path = typeof narHash === 'string' ? sourceStorePath(narHash) : null;
    if (path !== null) paths.add(path);
  }
  return [...paths].sort();
}
