// The tarball of a guest package into a staging directory. Its digest is right by now, but for an image of one's own that is only what a
// registry said: nothing is taken from it but plain files right below `package/`, and not more than an image may hold.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { escapeLine } from '../agent/escape.ts';
import { VzshellError } from '../errors.ts';
import { decompress } from './decompress.ts';
import { fileContent } from './file-content.ts';
import { MAX_MANIFEST } from './manifest.ts';
import { imageProblem } from './problem.ts';
import type { Staging } from './staging.ts';

const MAX_FILES = 32;
/** What packages hold beside the image. */
const FILE = /^package\/([A-Za-z0-9_][A-Za-z0-9._-]{0,127})$/;

interface Entry extends AsyncIterable<Buffer> {
  readonly header: Header;
  resume(): unknown;
}

/** Resolves with the bytes of the package's manifest.json. `origin` is for messages. */
export async function unpackPackage(
  tarball: string,
  staging: Staging,
  origin: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const tar = extract();
  const source = decompress(`${origin}.tgz`, fileContent(tarball), staging.room * 2);
  const [fed, taken] = await Promise.allSettled([
    pipeline(source, tar),
    // Its type speaks of streamx, which brings no types.
    takeFiles(tar as unknown as AsyncIterable<Entry>, staging, origin, signal),
  ]);
  // Who stops taking breaks the feeding too, and knows why.
  if (taken.status === 'rejected' && !isEcho(taken.reason)) throw archiveProblem(taken.reason, origin);
  if (fed.status === 'rejected') throw archiveProblem(fed.reason, origin);
  const path = join(staging.directory, 'manifest.json');
  const size = await stat(path).then(
    (status) => status.size,
    () => null,
  );
  if (size === null) throw imageProblem('format', `${origin} is not a guest image: it has no manifest.json`);
  if (size > MAX_MANIFEST) throw imageProblem('format', `the manifest of ${origin} is ${size} bytes long`);
  return readFile(path);
}

async function takeFiles(
  entries: AsyncIterable<Entry>,
  staging: Staging,
  origin: string,
  signal?: AbortSignal,
): Promise<void> {
  let files = 0;
  for await (const entry of entries) {
    signal?.throwIfAborted();
    const { name, type } = entry.header;
    files += 1;
    if (type === 'directory' && /^package\/?$/.test(name)) {
      entry.resume();
      continue;
    }
    const file = FILE.exec(name)?.[1];
    if (type !== 'file' || file === undefined || files > MAX_FILES) {
      const what = files > MAX_FILES ? `over ${MAX_FILES} files` : `'${escapeLine(name)}' (${type})`;
      throw imageProblem('format', `${origin} holds ${what}, which no guest image has`, {
        hint: 'nothing of it was kept; ask who made it',
        details: { entry: escapeLine(name) },
      });
    }
    await staging.add(file, entry, signal);
  }
}

/** The archive ended under a file that was being taken: why that is so, its feeding knows. */
function isEcho(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'STREAM_DESTROYED';
}

function archiveProblem(error: unknown, origin: string): unknown {
  if (error instanceof VzshellError || !(error instanceof Error)) return error;
  if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
    return imageProblem('format', `${origin} holds one file twice`, { cause: error });
  }
  if (!/tar header|Invalid header|Header exceeds|Unexpected end|premature/i.test(error.message)) return error;
  return imageProblem('format', `${origin} is damaged: ${error.message}`, { cause: error });
}
