// An image that is on this host already into the cache: a directory with a manifest.json, or the tarball of a guest package.

import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { VzshellError } from '../errors.ts';
import { withCache } from './cache.ts';
import { decompress } from './decompress.ts';
import { spaceProblem } from './download.ts';
import { fileContent } from './file-content.ts';
import { type ImageFile, imageFiles, manifestOf } from './manifest.ts';
import { Staging } from './staging.ts';
import { unpackPackage } from './unpack.ts';

export interface ImportOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** Copies the image at `path` into the cache, checked as it is copied. Resolves with its id. */
export async function importImage(path: string, { env, signal }: ImportOptions = {}): Promise<string> {
  const from = await manifestOrTarball(path);
  return withCache({ ...(env && { env }), ...(signal && { signal }) }, async (paths) => {
    try {
      return await Staging.use(paths, async (staging) => {
        const bytes = await (from.endsWith('.tgz') ? unpackPackage(from, staging, path, signal) : readFile(from));
        const { manifest, id } = manifestOf(bytes, from);
        if (!from.endsWith('.tgz')) {
          for (const file of imageFiles(manifest)) await copy(file, dirname(from), staging, signal);
        }
        await staging.install(manifest, bytes, id, path);
        return id;
      });
    } catch (error) {
      throw spaceProblem(error, paths.directory);
    }
  });
}

async function manifestOrTarball(path: string): Promise<string> {
  try {
    const there = await realpath(resolve(path));
    return (await stat(there)).isDirectory() ? join(there, 'manifest.json') : there;
  } catch (cause) {
    throw new VzshellError('ERR_IMAGE', `there is no guest image at '${path}'`, {
      cause,
      hint: 'give the path of a manifest.json, of the directory that holds it, or of the tarball of a guest package (.tgz)',
    });
  }
}

/** The file itself where it is there, else the compressed one. */
async function copy(file: ImageFile, directory: string, staging: Staging, signal?: AbortSignal): Promise<void> {
  const { download } = file;
  const plain = download === undefined || (await stat(join(directory, file.file)).catch(() => null)) !== null;
  const name = plain ? file.file : download.file;
  const content = decompress(plain ? '' : name, fileContent(join(directory, name)), file.size);
  try {
    await staging.add(file.file, content, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new VzshellError('ERR_IMAGE', `the manifest names '${name}', which is not in ${directory}`, { cause: error });
  }
}
