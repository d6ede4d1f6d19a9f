// What probes found out, kept in `probes.json` so that a start pays for it once. Only a cache: a file that cannot be read or
// written costs time and nothing else. The file is shared with other modules' probes: their keys are kept.

import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { readJson, writeJson } from '../../state/json-file.ts';

const SCHEMA = 1;
/** Old answers (of former kernels, of other program versions) are dropped beyond this. */
const MAX_ANSWERS = 32;

interface ProbesFile {
  readonly schema: typeof SCHEMA;
  readonly qemu?: Readonly<Record<string, string>>;
}

/** Remembered answers by key. */
export class Memory {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  recall(key: string): string | null {
    return this.#read()?.qemu?.[key] ?? null;
  }

  remember(key: string, answer: string): void {
    const file = this.#read();
    if (file === undefined) return;
    const kept = Object.entries(file?.qemu ?? {}).filter(([other]) => other !== key);
    const qemu = Object.fromEntries([...kept.slice(1 - MAX_ANSWERS), [key, answer]]);
    try {
      // One level: the state directory itself.
      if (!existsSync(dirname(this.#path))) mkdirSync(dirname(this.#path), { mode: 0o700 });
      writeJson(this.#path, { ...file, schema: SCHEMA, qemu });
    } catch {
      // A read-only home: asked again next time.
    }
  }

  /** `undefined` when there is a file that is not ours to touch: damaged, or of another schema. */
  #read(): ProbesFile | null | undefined {
    try {
      return readJson<ProbesFile>(this.#path, SCHEMA);
    } catch {
      return undefined;
    }
  }
}
