import type { Readable } from 'node:stream';
import { VzshellError } from '../errors.ts';

/** Longest line that is gathered, in characters. */
const MAX_LINE = 64 * 1024 * 1024;

/** The lines of a stream without their ends (`\n` or `\r\n`). A character that two chunks share stays whole. */
export async function* readLines(stream: Readable): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let line = '';
  for await (const chunk of stream) {
    const pieces = decoder.decode(chunk as Buffer, { stream: true }).split('\n');
    const last = pieces.pop() ?? '';
    for (const piece of pieces) {
      yield withoutReturn(line + piece);
      line = '';
    }
    line += last;
    if (line.length > MAX_LINE)
      throw new VzshellError('ERR_EXEC', `a line of over ${MAX_LINE} characters`, { hint: 'read the stream itself' });
  }
  line += decoder.decode();
  if (line !== '') yield line;
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
