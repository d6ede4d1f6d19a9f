// The fast path's own parser: `vzshell [FLAGS]` and `vzshell [FLAGS] -- CMD ARGS…`. It is short because there are no positionals
// to tell from flags; loading a parser that can do more takes longer than entering a running VM.

import { VzshellError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import { FLAGS, type FlagName, type FlagValues, VERBS } from './flags.ts';

export interface ParsedFlags {
  readonly flags: FlagValues;
  /** What stands behind `--`; null when there is no `--`. */
  readonly command: readonly string[] | null;
}

/** Parses everything behind `vzshell`; throws ERR_INVALID_OPTION with the nearest flag. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const flags: Record<string, string | string[] | true> = {};
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return finish(flags, argv.slice(index + 1));
    if (!word.startsWith('-') || word === '-') throw strayWord(word, argv.slice(index));
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const flag = FLAGS.find((each) => name === `--${each.long}` || name === `-${each.short}`);
    if (flag === undefined) throw unknownFlag(name);
    if (flag.value === undefined) {
      if (equals >= 0) throw invalid(`--${flag.long} takes no value, got '${word}'`);
      flags[flag.long] = true;
      continue;
    }
    const value = equals < 0 ? argv[++index] : word.slice(equals + 1);
    if (value === undefined || (value === '--' && equals < 0))
      throw invalid(`${name} needs a value: ${name} ${flag.value}`);
    if (flag.many) flags[flag.long] = [...((flags[flag.long] as string[] | undefined) ?? []), value];
    else if (flag.long in flags) throw invalid(`${name} is given twice`);
    else flags[flag.long] = value;
  }
  return finish(flags, null);
}

/** The text of a flag, or undefined. */
export function textOf(flags: FlagValues, name: FlagName): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** The values of a flag that may be repeated. */
export function listOf(flags: FlagValues, name: FlagName): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function finish(flags: FlagValues, command: readonly string[] | null): ParsedFlags {
  if (command !== null && command.length === 0) {
    throw new VzshellError('ERR_INVALID_OPTION', "there is no command after '--'", {
      hint: 'for an interactive shell leave the dashes out: vzshell',
    });
  }
  return { flags, command };
}

function unknownFlag(name: string): VzshellError {
  const known = FLAGS.map((flag) => `--${flag.long}`);
  const near = nearest(name, [...known, '--help', '--version']);
  return new VzshellError('ERR_INVALID_OPTION', `unknown flag '${name}'`, {
    hint:
      near === null
        ? 'see `vzshell --help`; flags of a command go behind its name, after --'
        : `did you mean '${near}'?`,
  });
}

/** What other programs of this kind call our verbs. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ls: 'list',
  ps: 'list',
  status: 'list',
  up: 'start',
  down: 'stop',
  kill: 'stop',
  rm: 'delete',
  remove: 'delete',
  destroy: 'delete',
  ssh: 'shell',
  run: 'exec',
  copy: 'cp',
  port: 'forward',
  info: 'inspect',
};

/** A word that stands where a verb may stand; `rest` is the command that it may have been meant to begin. */
export function strayWord(word: string, rest: readonly string[] = [word]): VzshellError {
  const verb = VERBS.includes(word) ? word : null;
  if (verb !== null) {
    return new VzshellError('ERR_INVALID_OPTION', `flags go behind the verb '${verb}', not before it`, {
      hint: `vzshell ${verb} [FLAGS]; see \`vzshell ${verb} --help\``,
    });
  }
  const near = (Object.hasOwn(ELSEWHERE, word) ? ELSEWHERE[word] : undefined) ?? nearest(word, VERBS);
  const typed = rest.join(' ');
  const shown = typed.length > 100 ? `${typed.slice(0, 100)}…` : typed;
  return new VzshellError('ERR_INVALID_OPTION', `'${word}' is not a verb of vzshell`, {
    hint: `${near === null ? '' : `did you mean '${near}'? `}to run it in the dev shell: vzshell -- ${shown}`,
  });
}

function invalid(message: string): VzshellError {
  return new VzshellError('ERR_INVALID_OPTION', message);
}
