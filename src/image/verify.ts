// Every file of an image is hashed before it is booted, once: the answer is remembered with what would change if the file did.
// ctime is part of it because, unlike mtime, no program can set it back.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { VzshellError } from '../errors.ts';
import { readJson, writeJson } from '../state/json-file.ts';
import { makeDirectory } from '../state/paths.ts';
import type { ImageFile } from './manifest.ts';

const SCHEMA = 1;
/** Remembered files; four an image. */
const MAX_REMEMBERED = 64;

/** The file is shared with other probes: their keys are kept. */
interface ProbesFile {
  readonly schema: typeof SCHEMA;
  /** Path → fingerprint and sha256 of a file that was hashed. */
  readonly images?: Readonly<Record<string, Verified>>;
}

interface Verified {
  readonly fingerprint: string;
  readonly sha256: string;
}

/**
 * Rejects with `ERR_IMAGE` unless every file is there and is what its manifest says. `remember` is the JSON file of earlier answers,
 * only a cache: when it cannot be read or written, the files are hashed each time. `cure` is the hint of the error.
 */
export async function verifyFiles(
  files: readonly (ImageFile & { readonly path: string })[],
  remember: string,
  cure: string,
): Promise<void> {
  const known = recall(remember);
  const learned: Record<string, Verified> = {};
  await Promise.all(
    files.map(async (file) => {
      const fingerprint = await fingerprintOf(file, cure);
      const earlier = known?.images?.[file.path];
      const trusted = earlier?.fingerprint === fingerprint ? earlier.sha256 : null;
      const found = trusted ?? (await sha256(file, cure));
      if (found !== file.sha256) throw mismatch(file, `sha256 ${found}`, `sha256 ${file.sha256}`, cure);
      if (trusted === null) learned[file.path] = { fingerprint, sha256: found };
    }),
  );
  if (Object.keys(learned).length > 0 && known !== undefined) memorize(remember, known, learned);
}

async function fingerprintOf(file: ImageFile & { readonly path: string }, cure: string): Promise<string> {
  const status = await stat(file.path, { bigint: true }).catch((error: Error) => {
    throw unreadable(file.path, error, cure);
  });
  // Said before a byte is read: a file that was cut short is the usual damage.
  if (status.size !== BigInt(file.size)) throw mismatch(file, `${status.size} bytes`, `${file.size} bytes`, cure);
  return [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(':');
}

async function sha256(file: { readonly path: string }, cure: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file.path, { highWaterMark: 1024 * 1024 }), hash).catch((error: Error) => {
    throw unreadable(file.path, error, cure);
  });
  return hash.digest('hex');
}

/** `undefined` when there is a file that is not ours to touch: damaged, or of another schema. */
function recall(path: string): ProbesFile | null | undefined {
  try {
    return readJson<ProbesFile>(path, SCHEMA);
  } catch {
    return undefined;
  }
}

function memorize(path: string, file: ProbesFile | null, learned: Readonly<Record<string, Verified>>): void {
  const kept = Object.entries(file?.images ?? {}).filter(([name]) => !(name in learned));
  const images = Object.fromEntries([...kept, ...Object.entries(learned)].slice(-MAX_REMEMBERED));
  try {
    makeDirectory(dirname(path));
    writeJson(path, { ...file, schema: SCHEMA, images });
  } catch {
    // A read-only home: hashed again next time.
  }
}

function mismatch(
  file: ImageFile & { readonly path: string },
  found: string,
  wanted: string,
  cure: string,
): VzshellError {
  return new VzshellError(
    'ERR_IMAGE',
    `the guest image is damaged: ${file.path} has ${found}, its manifest says ${wanted}`,
    {
      hint: `delete ${dirname(file.path)}, then ${cure}`,
      details: { file: file.path, found, wanted },
    },
  );
}

function unreadable(path: string, error: Error, cure: string): VzshellError {
  return new VzshellError('ERR_IMAGE', `the guest image cannot be read: ${error.message}`, {
    hint: cure,
    cause: error,
    details: { file: path },
  });
}
