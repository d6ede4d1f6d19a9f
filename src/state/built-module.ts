import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VzshellError } from '../errors.ts';

/**
 * The path of a module of ours that a process of its own runs: plain JavaScript, also when this file runs as TypeScript in a
 * test. `path` counts from the top of dist/, for instance `host/main.js`.
 */
export function builtModule(path: string): string {
  const beside = fileURLToPath(new URL(`../${path}`, import.meta.url));
  if (existsSync(beside)) return beside;
  const built = fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
  if (existsSync(built)) return built;
  throw new VzshellError('ERR_VM_START', `this checkout is not built: there is no ${built}`, { hint: 'npm run build' });
}
