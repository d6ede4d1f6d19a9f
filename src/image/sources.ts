// Which image was fetched for which source, so that it is found again without a network.

import { join } from 'node:path';
import type { Arch } from '../driver/driver.ts';
import { readJson, writeJson } from '../state/json-file.ts';
import { statePaths } from '../state/paths.ts';

const SCHEMA = 1;

export interface SourceEntry {
  readonly id: string;
  /** Of the tarball that it came in: the same one need not be fetched again. */
  readonly integrity?: string;
}

interface SourcesFile {
  readonly schema: typeof SCHEMA;
  /** `npm:…` or a URL, and the architecture → the image. */
  readonly sources: Readonly<Record<string, SourceEntry>>;
}

/** Under which the image of a source is noted: one package name may mean an image for each architecture. */
export function sourceKey(text: string, arch: Arch): string {
  return `${text} ${arch}`;
}

function file(env?: NodeJS.ProcessEnv): string {
  return join(statePaths(env).home, 'images', 'sources.json');
}

/** A damaged file is as good as none: it only saves a download. */
export function readSources(env?: NodeJS.ProcessEnv): SourcesFile['sources'] {
  try {
    return readJson<SourcesFile>(file(env), SCHEMA)?.sources ?? {};
  } catch {
    return {};
  }
}

/** Notes what a source stands for from now on. The caller has the lock of the cache. */
export function rememberSource(source: string, entry: SourceEntry, env?: NodeJS.ProcessEnv): void {
  writeJson(file(env), { schema: SCHEMA, sources: { ...readSources(env), [source]: entry } });
}

/** Forgets everything that stood for an image that is gone. The caller has the lock of the cache. */
export function forgetImage(id: string, env?: NodeJS.ProcessEnv): void {
  const kept = Object.entries(readSources(env)).filter(([, entry]) => entry.id !== id);
  writeJson(file(env), { schema: SCHEMA, sources: Object.fromEntries(kept) });
}
