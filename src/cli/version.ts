import { readFileSync } from 'node:fs';

/** Written into the bundle of the single executable, which has no package.json beside it. */
declare const VZSHELL_VERSION: string | undefined;

/** The version in our package.json, which lies two directories above in the source as in the build. */
export function version(): string {
  if (typeof VZSHELL_VERSION === 'string') return VZSHELL_VERSION;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
