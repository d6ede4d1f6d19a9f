// What a guest says may be meant for the terminal that shows it: an escape sequence can retitle a window, answer a query as if the
// user had typed it, or hide text. So nothing of the guest's reaches a terminal as a message before it went through here.

// Controls but tab and line end, the marks that turn the direction of text, and separators that some terminals break lines at.
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu;

/** Text from the guest, safe to print: control characters become visible (`\x1b`), tabs and line ends stay. */
export function escapeForTerminal(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(UNPRINTABLE, visible);
}

/** The same on one line, and at most `limit` characters of it. */
export function escapeLine(text: string, limit = 1000): string {
  const line = escapeForTerminal(text.slice(0, limit + 1)).replace(/[\n\t]/g, ' ');
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
