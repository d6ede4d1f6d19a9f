import { readFileSync } from 'node:fs';
import { VzshellError } from '../errors.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads `--env-file`: a `NAME=value` a line. Blank lines and lines that start with `#` are skipped, `export ` is allowed in front,
 * `'…'` is literal, `"…"` knows `\n \t \" \\` and may span lines, a bare `NAME` takes the host's value.
 */
export function readEnvFile(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VzshellError('ERR_INVALID_OPTION', `cannot read the env file '${path}': ${(cause as Error).message}`, {
      cause,
    });
  }
  return parseEnvFile(text, path, process.env);
}

/** The variables of an env file's text; `path` is for messages, `host` for bare names. */
export function parseEnvFile(text: string, path: string, host: NodeJS.ProcessEnv): Record<string, string> {
  const variables: Record<string, string> = {};
  let line = 1;
  let rest = text.replaceAll('\r\n', '\n');
  while (rest !== '') {
    const entry =
      /^[ \t]*(?:#[^\n]*|(?:export[ \t]+)?([^\s=#]+)[ \t]*(?:=[ \t]*("(?:[^"\\]|\\[\s\S])*"|'[^']*'|[^\n]*))?)?[ \t]*(?:\n|$)/.exec(
        rest,
      );
    if (entry === null) throw invalid(path, line, 'expected NAME=value');
    const [whole, name, value] = entry;
    if (name !== undefined) {
      if (!NAME.test(name)) throw invalid(path, line, `'${name}' is not a name of a variable`);
      const found = value === undefined ? host[name] : unquote(value);
      if (found === undefined) throw invalid(path, line, `'${name}' has no value here and is not set on this host`);
      if (/^["']/.test(found) && value === found)
        throw invalid(path, line, `the quote in the value of '${name}' has no end`);
      variables[name] = found;
    }
    line += whole.split('\n').length - 1;
    rest = rest.slice(whole.length);
  }
  return variables;
}

function unquote(value: string): string {
  if (/^'[^']*'$/.test(value)) return value.slice(1, -1);
  if (!/^"(?:[^"\\]|\\[\s\S])*"$/.test(value)) return value.trimEnd();
  return value.slice(1, -1).replace(/\\([\s\S])/g, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
}

function invalid(path: string, line: number, reason: string): VzshellError {
  return new VzshellError('ERR_INVALID_OPTION', `${path}:${line}: ${reason}`);
}
