import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = new URL('../../..', import.meta.url).pathname;

/** The sources as JavaScript, for tests that need a process of their own: what keeps it alive, and what it does to a terminal. */
export interface Compiled extends AsyncDisposable {
  /** Writes a module that may import `./vm/….js`; returns its path. */
  script(name: string, code: string): Promise<string>;
}

export async function compile(): Promise<Compiled> {
  const directory = await mkdtemp(join(tmpdir(), 'vz-compiled-'));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  // Type errors are another check's business; a module that is missing fails where it is imported.
  await promisify(execFile)(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', directory]).catch(
    () => undefined,
  );
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  return {
    script: async (name, code) => {
      const path = join(directory, name);
      await writeFile(path, code);
      return path;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
