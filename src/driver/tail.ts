// The end of a log, fit for an error message. A console is written by the guest, which is hostile to the terminal that the
// message ends up on.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes looked at, from the end of the file. */
const WINDOW = 16 * 1024;
const MAX_LINE = 300;

/** The last lines of a log (and, when it has just been rotated, of its predecessor), without control characters. Never throws. */
export function logTail(path: string, lines = 12): string {
  let bytes = lastBytes(path);
  if (bytes.length < WINDOW / 4) bytes = Buffer.concat([lastBytes(`${path}.1`), bytes]);
  return printable(bytes.toString('utf8'))
    .split('\n')
    .map((line) => line.trimEnd().slice(0, MAX_LINE))
    .filter((line) => line !== '')
    .slice(-lines)
    .join('\n');
}

/** Text without escape sequences and control characters, with its lines kept. */
export function printable(text: string): string {
  return (
    text
      .replace(/\r+\n/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '')
  );
}

function lastBytes(path: string): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const start = Math.max(0, fstatSync(file).size - WINDOW);
      const bytes = Buffer.alloc(WINDOW);
      return bytes.subarray(0, readSync(file, bytes, 0, WINDOW, start));
    } finally {
      closeSync(file);
    }
  } catch {
    return Buffer.alloc(0);
  }
}
