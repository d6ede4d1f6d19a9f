// What each layer of a guest's store holds.

import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VzshellError } from '../../errors.ts';
import { readManifest } from '../../image/manifest.ts';
import { runPaths, statePaths } from '../../state/paths.ts';
import type { VmSpec } from '../../supervisor/spec.ts';
import { createCommands } from '../../vm/commands.ts';
import type { CommandContext } from '../../vm/context.ts';
import { toldOf } from '../host-store/outdated.ts';
import { sqlite } from '../host-store/sqlite.ts';
import { Unusable } from '../host-store/unusable.ts';

export interface StoreLayer {
  readonly layer: 'volume' | 'image' | 'host';
  readonly paths: number;
  /** Bytes of their contents, as archives; a file system may need more or less. */
  readonly bytes: number;
}

export interface StoreReport {
  /** Top first. */
  readonly layers: readonly StoreLayer[];
  /** The volume's file on this host: bytes that it takes, and that it may take. */
  readonly volume: { readonly path: string; readonly used: number; readonly size: number };
  /** Why the host's store is not a layer although it may be; else null. */
  readonly reason: string | null;
}

/** Bytes of what a guest may list. */
const MAX_LIST = 64 * 1024 * 1024;

// A fresh volume has no database until Nix is first used.
const LIST = `cd /nix/.l/vol/store && ls -1 && echo / &&
[ ! -e /nix/var/nix/db/db.sqlite ] || sqlite3 -readonly /nix/var/nix/db/db.sqlite 'select path, narSize from ValidPaths'`;

/** Looks through the layers of a running VM's store. */
export async function reportStore(spec: VmSpec, context: CommandContext): Promise<StoreReport> {
  const options = { user: 'root', cwd: '/', maxBuffer: MAX_LIST };
  const { stdout } = await createCommands(context).exec('sh', ['-c', LIST], options);
  const host = spec.store?.host ?? null;
  const { manifest } = await readManifest(spec.image.manifest);
  const imageDatabase = manifest.store === undefined ? null : join(dirname(spec.image.manifest), manifest.store.file);
  const image = imageDatabase === null ? null : await totals(imageDatabase);
  const layers: StoreLayer[] = [{ layer: 'volume', ...volumeTotals(stdout) }];
  if (image !== null) layers.push({ layer: 'image', ...image });
  if (host !== null && image !== null) {
    const { databases } = runPaths(statePaths(), spec.id);
    const both = await totals(join(databases, `${toldOf(spec).generation}.sqlite`));
    layers.push({ layer: 'host', paths: both.paths - image.paths, bytes: both.bytes - image.bytes });
  }
  const file = statSync(spec.volume.path);
  return {
    layers,
    volume: { path: spec.volume.path, used: file.blocks * 512, size: file.size },
    reason: spec.store?.reason ?? null,
  };
}

/** Rows whose path lies in the volume's layer: the others describe what lies below. */
function volumeTotals(list: string): { readonly paths: number; readonly bytes: number } {
  const lines = list.split('\n');
  const end = lines.indexOf('/');
  const names = new Set(lines.slice(0, end));
  const rows = lines.slice(end + 1).map((line) => line.split('|'));
  const own = rows.filter(([path = '']) => names.has(path.slice('/nix/store/'.length)));
  return { paths: own.length, bytes: own.reduce((sum, [, size]) => sum + (Number(size) || 0), 0) };
}

async function totals(database: string): Promise<{ readonly paths: number; readonly bytes: number }> {
  const query = 'select count(*), coalesce(sum(narSize), 0) from ValidPaths;';
  try {
    const [paths = 0, bytes = 0] = (await sqlite(`file:${encodeURI(database)}?immutable=1`, query))
      .split('|')
      .map(Number);
    return { paths, bytes };
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    throw new VzshellError('ERR_NIX', error.message, { cause: error, hint: error.hint });
  }
}
