// The vz driver as a user's own node sees it: what this Mac can do is for the executable to find out, which has the entitlement
// that counts and may load the addon.

import { execFile } from 'node:child_process';
import { VzshellError } from '../../errors.ts';
import { hostCommand, PROBE } from '../../host/executable.ts';
import type { Arch, DriverProbe } from '../driver.ts';

/** Milliseconds; macOS checks a program's signature when it runs for the first time. */
const PATIENCE = 30_000;
/** Bytes of an answer. */
const MAX_ANSWER = 1024 * 1024;

/** Asks the executable. Never rejects: what keeps it from running is what is missing. */
export async function probeThroughExecutable(arch: Arch): Promise<DriverProbe> {
  try {
    const [program = '', ...args] = hostCommand();
    return JSON.parse(await output(program, [...args, PROBE, arch])) as DriverProbe;
  } catch (error) {
    const { message, hint } = error as VzshellError;
    const missing = { what: 'the vzshell executable', why: message, fix: hint ?? 'install vzshell again' };
    return {
      driver: 'vz',
      arch,
      usable: false,
      missing: [missing],
      accelerator: 'none',
      acceleratorNote: message,
      features: [],
      programs: [],
    };
  }
}

function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: PATIENCE, maxBuffer: MAX_ANSWER }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(cannotRun(program, error, stderr));
    });
  });
}

function cannotRun(program: string, cause: Error & { code?: unknown; signal?: unknown }, stderr: string): VzshellError {
  const killed = cause.signal === 'SIGKILL';
  const last = stderr.trim().split('\n').at(-1);
  const how = killed ? 'macOS killed it' : `${String(cause.code ?? cause.signal)}${last === '' ? '' : `: ${last}`}`;
  return new VzshellError('ERR_HOST_BINARY', `${program} does not run (${how})`, {
    cause,
    hint: killed
      ? `its signature is damaged or quarantined: xattr -d com.apple.quarantine ${program}, or install vzshell again`
      : 'install vzshell again',
  });
}
