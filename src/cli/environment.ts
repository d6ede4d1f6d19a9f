import { VzshellError } from '../errors.ts';
import { readEnvFile } from '../project/env-file.ts';

/** The variables that files and words name, words over files. */
export function environment(words: readonly string[], files: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const file of files) Object.assign(env, readEnvFile(file));
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? process.env[name] : word.slice(equals + 1);
    if (name === '') throw new VzshellError('ERR_INVALID_OPTION', `--env: expected NAME=VALUE, got '${word}'`);
    if (value === undefined) {
      throw new VzshellError('ERR_INVALID_OPTION', `--env ${name}: it is not set on this host, and has no value here`);
    }
    env[name] = value;
  }
  return env;
}
