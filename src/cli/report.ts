import { shellExitCode } from '../agent/signals.ts';
import { asVzshellError, type VzshellError } from '../errors.ts';
import { Interrupted } from './interrupted.ts';

/** Exit codes that are vzshell's own; everything else is the command's. */
export const EXIT = { nix: 1, failed: 125, cannotRun: 126, notFound: 127 } as const;

/** Says on stderr what went wrong, and gives the exit code for it. */
export function reportError(error: unknown, verbose: boolean): number {
  if (error instanceof Interrupted) return shellExitCode({ exitCode: null, signal: error.signal });
  const known = asVzshellError(error, 'ERR_INVALID_STATE');
  const stderr = known.code === 'ERR_NIX' ? known.details?.stderr : undefined;
  // Nix's own words say more than ours, and people search for them.
  if (typeof stderr === 'string' && stderr.trim() !== '') {
    process.stderr.write(stderr.endsWith('\n') ? stderr : `${stderr}\n`);
    if (known.hint !== undefined) say(known.hint);
  } else {
    say(known.message, known.hint);
  }
  if (verbose) explain(error);
  return exitCodeFor(known);
}

/** `vzshell: message`, and the hint two spaces in. */
export function say(message: string, hint?: string): void {
  const lines = hint === undefined ? '' : `${hint.replace(/^/gm, '  ')}\n`;
  process.stderr.write(`vzshell: ${message}\n${lines}`);
}

export function exitCodeFor(error: VzshellError): number {
  if (error.code === 'ERR_NIX') return EXIT.nix;
  if (error.code !== 'ERR_EXEC') return EXIT.failed;
  switch (error.details?.reason) {
    case 'not-found':
      return EXIT.notFound;
    case 'not-executable':
    case 'too-big':
      return EXIT.cannotRun;
    default:
      return EXIT.failed;
  }
}

function explain(error: unknown): void {
  for (let each = error, depth = 0; each instanceof Error && depth < 8; each = each.cause, depth++) {
    const text = each.stack ?? String(each);
    process.stderr.write(`${(depth === 0 ? text : `caused by: ${text}`).replace(/^/gm, '  ')}\n`);
  }
}
