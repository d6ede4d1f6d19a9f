// How a command becomes a command in the dev shell: the START of its exec, rewritten.

import type { ExecStart } from '../agent/operations.ts';
import { basePath, directEnvironment } from './direct.ts';
import type { CachedEnvironment } from './env-cache.ts';
import { shellQuote } from './quote.ts';
import { TEMPORARY } from './skipped-variables.ts';

/** A command in the dev shell: directly when the environment is only variables, else through its script. */
export function enterCommand(start: ExecStart, entry: CachedEnvironment, home: string): ExecStart {
  return entry.hasHook ? throughBash(start, entry) : directly(start, entry, home);
}

/**
 * A bash that is the dev shell. What the caller sets by name is set after the environment, as for commands. Without a terminal bash
 * is not interactive and would read no --rcfile: then it is a command as any other, which reads its script from standard input.
 */
export function enterShell(start: ExecStart, entry: CachedEnvironment, home: string): ExecStart {
  if (start.pty === undefined) return enterCommand({ ...start, argv: ['bash'] }, entry, home);
  const chosen = Object.entries(start.env ?? {});
  const lines = chosen.map(([name, value]) =>
    value === null ? `unset -v ${name}` : `export ${name}=${shellQuote(value)}`,
  );
  if (lines.length === 0) return { ...start, ...places(entry), argv: ['bash', '--rcfile', entry.rc] };
  const data = `source ${shellQuote(entry.rc)}\n${lines.join('\n')}\nexec 3<&-\n`;
  return {
    ...start,
    ...places(entry),
    argv: ['bash', '--rcfile', '/dev/fd/3'],
    files: [...(start.files ?? []), { fd: 3, data }],
  };
}

function directly(start: ExecStart, entry: CachedEnvironment, home: string): ExecStart {
  const cwd = start.cwd ?? home;
  const base: Record<string, string> = { PATH: basePath(home) };
  for (const [name, value] of Object.entries(start.env ?? {})) if (value !== null) base[name] = value;
  const env = directEnvironment(entry, base, cwd);
  return { ...start, ...places(entry), env: { shellHook: null, PWD: cwd, ...env, ...start.env } };
}

function throughBash(start: ExecStart, entry: CachedEnvironment): ExecStart {
  const chosen = Object.entries(start.env ?? {}).map(([name, value]) => (value === null ? name : `${name}=${value}`));
  return { ...start, ...places(entry), argv: ['bash', entry.rc, ...chosen, '--', ...start.argv] };
}

/** What must exist, and where temporary files go. Without a hook the script is not needed, but its absence means a lost volume. */
function places(entry: CachedEnvironment): Pick<ExecStart, 'requires' | 'tempDir'> {
  return { requires: [entry.rc, entry.storePath], tempDir: TEMPORARY };
}
