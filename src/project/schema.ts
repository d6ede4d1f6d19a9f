// The one schema of settings: `vzshell.json` in a project and `config.json` of a user have the same keys. docs/settings.md
// describes each; what is checked here is what a person can get wrong in the file, so that the message can name its line.

import * as v from 'valibot';
import { imageName } from '../image/source.ts';
import type { Mount } from '../vm/types.ts';
import { absolute, MOUNT_RULE, mountOf, parseMount } from './mount.ts';
import { DURATION_RULE, parseDuration, parseSize, SIZE_RULE } from './quantity.ts';

/** Settings after the check: plain data, paths absolute, sizes in bytes, times in milliseconds. */
export interface Settings {
  readonly name?: string;
  readonly image?: string;
  readonly arch?: 'arm64' | 'x86_64';
  readonly cpus?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly volume?: string;
  readonly mounts?: readonly Mount[];
  readonly network?: 'nat' | 'none';
  readonly store?: 'auto' | 'host' | 'image';
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  readonly shell?: string;
  readonly watch?: readonly string[];
  readonly accelerator?: 'auto' | 'hardware' | 'emulation';
  readonly idleTimeout?: number | null;
  readonly startTimeout?: number;
}

const size = v.pipe(
  v.union([v.number(), v.string()], `expected ${SIZE_RULE}`),
  v.transform((value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : parseSize(String(value)),
  ),
  v.number(`expected ${SIZE_RULE}`),
);

const duration = v.pipe(
  v.string(`expected ${DURATION_RULE}`),
  v.transform(parseDuration),
  v.union([v.number(), v.literal('never')], `expected ${DURATION_RULE}`),
);

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const name = v.pipe(
  v.string('expected a name in quotes'),
  v.regex(NAME, "expected 1 to 64 letters, digits, '-', '_' or '.'"),
);
const text = v.string('expected text in quotes');
const filled = v.pipe(text, v.nonEmpty('expected text that is not empty'));
const guestPath = v.pipe(text, v.regex(/^\//, 'expected an absolute path in the guest'));

function oneOf<const T extends readonly string[]>(words: T): v.PicklistSchema<T, string> {
  return v.picklist(words, `expected one of ${words.map((word) => JSON.stringify(word)).join(', ')}`);
}

/** Checks the settings of a file in `directory`, from which their relative paths count. */
export function parseSettings(
  value: unknown,
  directory: string,
): v.SafeParseResult<v.GenericSchema<unknown, Settings>> {
  return v.safeParse(settingsSchema(directory), value);
}

function settingsSchema(directory: string): v.GenericSchema<unknown, Settings> {
  const mount = v.pipe(
    v.union(
      [
        text,
        v.strictObject({ source: filled, target: v.exactOptional(guestPath), readonly: v.exactOptional(v.boolean()) }),
      ],
      `expected ${MOUNT_RULE}, or an object with source, target and readonly`,
    ),
    v.transform((value) => (typeof value === 'string' ? parseMount(value, directory) : mountOf(value, directory))),
    v.custom<Mount>((value) => value !== null, `expected ${MOUNT_RULE}`),
  );
  return v.strictObject(
    {
      name: v.exactOptional(name),
      image: v.exactOptional(
        v.pipe(
          filled,
          v.transform((text) => imageName(text, (path) => absolute(path, directory))),
        ),
      ),
      arch: v.exactOptional(oneOf(['arm64', 'x86_64'])),
      cpus: v.exactOptional(
        v.pipe(
          v.number('expected a number'),
          v.integer('expected a whole number'),
          v.minValue(1, 'expected at least 1'),
        ),
      ),
      memory: v.exactOptional(size),
      disk: v.exactOptional(size),
      volume: v.exactOptional(name),
      mounts: v.exactOptional(v.array(mount, 'expected a list of mounts')),
      network: v.exactOptional(oneOf(['nat', 'none'])),
      store: v.exactOptional(oneOf(['auto', 'host', 'image'])),
      env: v.exactOptional(
        v.record(
          v.pipe(v.string(), v.regex(/^[^=\0]+$/, "a variable's name holds no '='")),
          v.string('expected text in quotes'),
          'expected an object of variables',
        ),
      ),
      workdir: v.exactOptional(guestPath),
      shell: v.exactOptional(filled),
      watch: v.exactOptional(v.array(filled, 'expected a list of file patterns')),
      accelerator: v.exactOptional(oneOf(['auto', 'hardware', 'emulation'])),
      idleTimeout: v.exactOptional(
        v.pipe(
          duration,
          v.transform((value) => (value === 'never' ? null : value)),
        ),
      ),
      startTimeout: v.exactOptional(
        v.pipe(
          duration,
          v.check((value) => value !== 'never' && value > 0, "expected a time such as '90s'"),
          v.transform((value) => (value === 'never' ? 0 : value)),
        ),
      ),
    },
    'expected an object of settings',
  );
}

/** Every key that a settings file may have. */
export const SETTING_KEYS: readonly (keyof Settings)[] = [
  'name',
  'image',
  'arch',
  'cpus',
  'memory',
  'disk',
  'volume',
  'mounts',
  'network',
  'store',
  'env',
  'workdir',
  'shell',
  'watch',
  'accelerator',
  'idleTimeout',
  'startTimeout',
];
