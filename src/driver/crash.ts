// What a guest said when it crashed, from the log of its console.

import { logTail } from './tail.ts';

export interface LastWords {
  /** The line of a kernel panic, which comes before its long trace; null when there was none. */
  readonly panic: string | null;
  /** The end of the console; empty when nothing was written. */
  readonly tail: string;
}

/** Reads the console's log. Never throws. */
export function lastWords(consolePath: string): LastWords {
  return {
    panic: /Kernel panic[^\n]*/.exec(logTail(consolePath, 200))?.[0] ?? null,
    tail: logTail(consolePath, 15),
  };
}
