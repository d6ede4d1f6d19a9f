// A file from a server onto the disk, whole and with the digest that it must have. An interrupted download is resumed; one with
// the wrong digest leaves nothing.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { VzshellError } from '../errors.ts';
import { type Network, shown } from './network.ts';
import { Partial } from './partial.ts';
import { imageProblem } from './problem.ts';
import { OtherSize, Transfer, type Wanted } from './transfer.ts';

export interface Transferred {
  readonly received: number;
  readonly total: number | null;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (now: Transferred) => void;
}

/** Milliseconds between two reports. */
const REPORT = 100;

/** Resolves with the path of the file, which the caller removes. The caller has the lock of `directory`. */
export async function download(
  network: Network,
  wanted: Wanted,
  directory: string,
  { signal, onProgress }: DownloadOptions = {},
): Promise<string> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, wanted.integrity.hex.slice(0, 32));
  let reported = Number.NEGATIVE_INFINITY;
  const report = (received: number, total: number | null): void => {
    const now = performance.now();
    if (now - reported < REPORT && received !== total) return;
    reported = now;
    onProgress?.({ received, total });
  };
  for (;;) {
    const partial = await Partial.open(path);
    const resumed = partial.received > 0;
    let whole = false;
    let resumable = false;
    try {
      const found = await new Transfer(network, wanted, partial, report, signal).run();
      whole = found === wanted.integrity.hex;
      if (whole) return path;
      if (!resumed) throw wrongDigest(wanted, found);
    } catch (error) {
      if (!(error instanceof OtherSize)) {
        // Worth keeping only where the rest may still come.
        const reason = error instanceof VzshellError ? error.details?.reason : null;
        resumable = signal?.aborted === true || ['network', 'server', 'proxy'].includes(String(reason));
        signal?.throwIfAborted();
        throw spaceProblem(error, directory);
      }
    } finally {
      await (whole || (resumable && partial.received > 0) ? partial.close() : partial.remove());
    }
  }
}

/** A full disk in words; anything else as it is. */
export function spaceProblem(error: unknown, directory: string): unknown {
  const errno = error instanceof VzshellError ? error.details?.errno : (error as NodeJS.ErrnoException).code;
  if (errno !== 'ENOSPC' && errno !== 'EDQUOT') return error;
  return imageProblem('no-space', `there is no space left for a guest image in ${directory}`, {
    cause: error,
    hint: 'free some (`vzshell image prune` removes older images), or set VZSHELL_HOME to a directory on another disk',
  });
}

function wrongDigest({ name, url, integrity }: Wanted, found: string): VzshellError {
  return imageProblem(
    'integrity',
    `${name} from ${shown(url)} is not what it should be: ${integrity.algorithm} ${found}`,
    {
      hint: `it should be ${integrity.hex}; the server, or something on the way, changed it. Nothing of it was kept`,
      details: { url: shown(url), found, wanted: integrity.hex },
    },
  );
}
