// Which program is a VM's supervisor. On a Mac only the signed executable may be: the entitlement for virtual machines counts on
// a process's main executable, and nobody's node has it. Elsewhere it is the node that runs already.

import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { isSea } from 'node:sea';
import { VzshellError } from '../errors.ts';
import { builtModule } from '../state/built-module.ts';

/** Hidden verbs, for processes that the user's node starts because it may not do the work itself. */
export const SUPERVISE = '__supervise';
export const PROBE = '__probe';
export const HOLD_LOCK = '__hold-lock';

export interface ExecutableRequest {
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
  /** Where packages are looked for. Default: from this module on. */
  readonly from?: string;
}

/**
 * The executable that takes hidden verbs: what `VZSHELL_HOST_BINARY` names, else this process's own, else that of the platform
 * package. Null where the node that runs already is enough. Throws ERR_HOST_BINARY when it is needed and missing.
 */
export function findExecutable(request: ExecutableRequest = {}): string | null {
  const { env = process.env, platform = process.platform } = request;
  const named = env.VZSHELL_HOST_BINARY;
  if (named !== undefined && named !== '') return checked(named, 'VZSHELL_HOST_BINARY');
  if (isSea()) return process.execPath;
  return platform === 'darwin' ? installed(request) : null;
}

/** Program and arguments that take a hidden verb. */
export function hostCommand(request: ExecutableRequest = {}): readonly string[] {
  const executable = findExecutable(request);
  return executable === null ? [process.execPath, builtModule('host/main.js')] : [executable];
}

function checked(path: string, origin: string): string {
  if (!isAbsolute(path)) {
    throw new VzshellError('ERR_HOST_BINARY', `${origin}: expected an absolute path, got '${path}'`);
  }
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : 'it cannot be executed';
    throw new VzshellError('ERR_HOST_BINARY', `${origin} names '${path}': ${why}`, {
      cause,
      hint: 'install vzshell again; in a checkout: scripts/build-macos, and VZSHELL_HOST_BINARY names what it made',
    });
  }
}

function installed({
  platform = process.platform,
  arch = process.arch,
  from = import.meta.url,
}: ExecutableRequest): string {
  const { resolve } = createRequire(from);
  const found = (name: string): string | null => {
    try {
      return join(dirname(resolve(`${name}/package.json`)), 'bin', 'vzshell');
    } catch {
      return null;
    }
  };
  if (arch !== 'arm64') {
    const translated = found('@vzshell/darwin-arm64') !== null;
    throw new VzshellError(
      'ERR_UNSUPPORTED_HOST',
      `vzshell runs on Macs with Apple silicon; this node is for ${arch}`,
      {
        hint: translated
          ? 'on such a Mac it runs under Rosetta: install a node for arm64 (`node -p process.arch` must say arm64)'
          : 'if this Mac has Apple silicon, install a node for arm64 and then vzshell again',
      },
    );
  }
  const executable = found(`@vzshell/${platform}-arm64`);
  if (executable !== null) return checked(executable, `@vzshell/${platform}-arm64`);
  throw new VzshellError(
    'ERR_HOST_BINARY',
    `the package @vzshell/${platform}-arm64, which holds the signed executable, is missing`,
    {
      hint:
        'npm left it out, or node_modules comes from another system: install vzshell here, without --omit=optional and --no-optional\n' +
        'in a checkout: scripts/build-macos, then VZSHELL_HOST_BINARY=$PWD/build/npm/darwin-arm64/bin/vzshell',
    },
  );
}
