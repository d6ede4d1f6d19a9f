// The user's own settings for registries, read by npm's own library: ~/.npmrc, the global npmrc, npm's built-in one, and the variables
// `npm_config_…`. A project's .npmrc is left out: to enter a project that was just cloned must not send a token, or this host's
// variables, to wherever that project says.

import { existsSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { VzshellError } from '../errors.ts';

/** Settings in the form that npm's libraries take: `registry`, `@scope:registry`, `//host/:_authToken`, `proxy`, `ca`, … */
export type NpmSettings = Readonly<Record<string, unknown>>;

/** Reads them. The libraries cost a tenth of a second, so they are loaded here and not before. */
export async function npmSettings(env: NodeJS.ProcessEnv = process.env): Promise<NpmSettings> {
  const [{ default: Config }, { default: known }] = await Promise.all([
    import('@npmcli/config'),
    import('@npmcli/config/lib/definitions/index.js'),
  ]);
  const node = nodeOf(env);
  try {
    const config = new Config({
      ...known,
      // npm lies beside its node; distributions and Homebrew keep settings of theirs there.
      npmPath: join(dirname(dirname(node)), 'lib', 'node_modules', 'npm'),
      // A copy: loading writes to it.
      env: { ...env },
      // In npm's global mode no project's file is read.
      argv: ['node', 'vzshell', '--global'],
      execPath: node,
      cwd: '/',
      warn: false,
    });
    await config.load();
    return config.flat;
  } catch (cause) {
    throw new VzshellError('ERR_IMAGE', `cannot read npm's settings: ${(cause as Error).message}`, {
      cause,
      hint: 'look at `npm config list`',
      details: { reason: 'format' },
    });
  }
}

/** The node whose npm the user runs: the global npmrc is found from there. Our own program need not be one. */
function nodeOf(env: NodeJS.ProcessEnv): string {
  if (basename(process.execPath) === 'node') return process.execPath;
  const found = (env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'node'))
    .find((path) => existsSync(path));
  return found ?? process.execPath;
}
