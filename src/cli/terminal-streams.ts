import { fstatSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import type { TerminalOptions } from '../vm/terminal.ts';

/**
 * A terminal for the command when all three streams are one. Otherwise they stay apart, and a keyboard is not read unless there is
 * nothing but a shell to type into: it may belong to whoever reads our output, such as a pager.
 */
export function terminalStreams(noStdin: boolean, shell: boolean): TerminalOptions {
  const keyboard = isatty(0);
  const terminal = keyboard && isatty(1) && isatty(2);
  const unread = noStdin || (keyboard ? !terminal && !shell : isNothing(0));
  if (unread) return { pty: false, stdin: Readable.from([]) };
  return terminal ? {} : { pty: false };
}

/** Whether it is /dev/null. To read it as a file costs Node a pool of threads, more than all the rest of a warm command. */
function isNothing(descriptor: number): boolean {
  const stat = fstatSync(descriptor);
  return stat.isCharacterDevice() && stat.rdev === statSync('/dev/null').rdev;
}
