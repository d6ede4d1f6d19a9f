import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VzshellError } from '../errors.ts';
import { JsonError, parseJson } from './json.ts';
import { nearest } from './nearest.ts';
import type { Settings } from './schema.ts';

/** Bytes of the longest settings file that is read. */
const MAX_SETTINGS = 1024 * 1024;

/**
 * The settings for a project: the user's `config.json` below `stateHome`, the project's `vzshell.json` over it. A key of the
 * project replaces the user's; `env` and `mounts` are added to it instead, because both are lists of independent things.
 */
export async function loadSettings(projectRoot: string | null, stateHome: string): Promise<Settings> {
  const user = await readSettings(join(stateHome, 'config.json'));
  const project = projectRoot === null ? {} : await readSettings(join(projectRoot, 'vzshell.json'));
  return mergeSettings(user, project);
}

/** `over` before `under`. */
export function mergeSettings(under: Settings, over: Settings): Settings {
  const targets = new Set(over.mounts?.map((mount) => mount.target));
  const mounts = [...(under.mounts ?? []).filter((mount) => !targets.has(mount.target)), ...(over.mounts ?? [])];
  const env = { ...under.env, ...over.env };
  return {
    ...under,
    ...over,
    ...(mounts.length > 0 && { mounts }),
    ...(Object.keys(env).length > 0 && { env }),
  };
}

/** One settings file; empty settings when it does not exist. */
export async function readSettings(path: string): Promise<Settings> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    throw new VzshellError('ERR_INVALID_OPTION', `cannot read the settings in ${path}: ${message}`, { cause });
  }
  if (text.length > MAX_SETTINGS)
    throw new VzshellError('ERR_INVALID_OPTION', `${path} is too big for a settings file`);
  return checkSettings(text, path);
}

/** Settings from the text of a file, or an error that names file, line and column. */
export async function checkSettings(text: string, path: string): Promise<Settings> {
  const json = parse(text, path);
  if (Array.isArray(json.value))
    throw new VzshellError('ERR_INVALID_OPTION', `${path}:1:1: expected an object of settings, got a list`);
  // Loaded here and not at the top: a project without settings must not pay for the schema at every command.
  const { parseSettings, SETTING_KEYS } = await import('./schema.ts');
  const result = parseSettings(json.value, dirname(path));
  if (result.success) return result.output;
  const issue = result.issues.find((each) => each.type === 'strict_object') ?? result.issues[0];
  const keys = (issue.path ?? []).map((item) => item.key as string | number);
  const { line, column } = json.placeOf(keys);
  const name = keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');
  const where = `${path}:${line}:${column}`;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = keys.length === 1 ? SETTING_KEYS : ['source', 'target', 'readonly'];
    const near = nearest(String(keys.at(-1)), known);
    throw new VzshellError('ERR_INVALID_OPTION', `${where}: unknown setting '${name}'`, {
      hint: near === null ? `known are ${known.join(', ')}` : `did you mean '${near}'?`,
    });
  }
  const got = JSON.stringify(issue.path?.at(-1)?.value);
  const subject = name === '' ? '' : `'${name}': `;
  throw new VzshellError(
    'ERR_INVALID_OPTION',
    `${where}: ${subject}${issue.message}${got === undefined ? '' : `, got ${got}`}`,
  );
}

function parse(text: string, path: string): ReturnType<typeof parseJson> {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new VzshellError(
      'ERR_INVALID_OPTION',
      `${path}:${error.place.line}:${error.place.column}: ${error.message}`,
      {
        hint: 'settings are JSON: keys and text in double quotes, no comments, no comma after the last item',
      },
    );
  }
}
