import { VzshellError } from '../errors.ts';
import type { TemplateValue } from './types.ts';

/**
 * The words of an argument template: its text is split at white space, and a value is never split. A value without white space
 * around it is part of the word it touches; an array is one word an item, the first and last glued to what they touch. Quotes mean
 * nothing: there is no shell to remove them.
 */
export function templateWords(strings: TemplateStringsArray, values: readonly TemplateValue[]): string[] {
  const words: string[] = [];
  /** The word that may still grow; null between words. */
  let word: string | null = null;
  for (const [index, text] of strings.entries()) {
    if (text === undefined) throw invalid(`the template holds an escape that means nothing: ${strings.raw[index]}`);
    for (const [position, piece] of text.split(/\s+/).entries()) {
      if (position > 0 && word !== null) {
        words.push(word);
        word = null;
      }
      if (piece !== '') word = (word ?? '') + piece;
    }
    if (index === values.length) break;
    const value = values[index];
    const items = Array.isArray(value) ? value : [value];
    for (const [position, item] of items.entries()) {
      if (position > 0 && word !== null) {
        words.push(word);
        word = null;
      }
      word = (word ?? '') + asText(item);
    }
  }
  if (word !== null) words.push(word);
  if (words.length === 0) throw invalid('the template has no command in it');
  return words;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw invalid(
    `a template value must be a string, a number or an array of them, got \`${String(value)}\` (${typeof value})`,
  );
}

function invalid(message: string): VzshellError {
  return new VzshellError('ERR_INVALID_OPTION', message);
}
