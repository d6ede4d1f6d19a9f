import type { TerminalOptions } from '../vm/terminal.ts';

/**
 * A terminal for the command when all three streams are one. Otherwise they stay apart, and a keyboard is not read unless there is
 * nothing but a shell to type into: it may belong to whoever reads our output, such as a pager.
 */
export async function terminalStreams(noStdin: boolean, shell: boolean): Promise<TerminalOptions> {
  const { stdin, stdout, stderr } = process;
  const terminal = stdin.isTTY && stdout.isTTY && stderr.isTTY;
  if (!noStdin && (terminal || !stdin.isTTY || shell)) return terminal ? {} : { pty: false };
  const { Readable } = await import('node:stream');
  return { pty: false, stdin: Readable.from([]) };
}
