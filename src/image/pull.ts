// An image from a registry or a server into the cache. Nothing is installed whose digest is not known to be right: the pin's, the
// registry's, or that of a manifest that came over TLS or was pinned by its URL.

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Arch } from '../driver/driver.ts';
import { withCache } from './cache.ts';
import { decompress } from './decompress.ts';
import { download, spaceProblem } from './download.ts';
import { fileContent } from './file-content.ts';
import { type Integrity, integrityOf, sameIntegrity } from './integrity.ts';
import { type ImageFile, imageFiles, MAX_MANIFEST, manifestOf } from './manifest.ts';
import { Network, shown } from './network.ts';
import { type Pin, pinnedId } from './pins.ts';
import type { CachePaths } from './place.ts';
import { imageProblem } from './problem.ts';
import type { ImageProgress, OnImageProgress } from './progress.ts';
import { findTarball, type Tarball } from './registry.ts';
import type { Source } from './source.ts';
import { readSources, rememberSource, type SourceEntry, sourceKey } from './sources.ts';
import { requireSpace } from './space.ts';
import { MAX_IMAGE, Staging } from './staging.ts';
import { unpackPackage } from './unpack.ts';

/** Bytes of a download, compressed. */
const MAX_DOWNLOAD = 8 * 1024 ** 3;

export interface PullOptions {
  readonly arch: Arch;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnImageProgress;
  /** Called with the lock: whether somebody else has pulled it meanwhile. Resolves with its id then. */
  readonly already?: () => Promise<string | null>;
  /** Fetch also what is there already. */
  readonly again?: boolean;
}

export type Remote = Extract<Source, { readonly kind: 'npm' | 'url' }> | { readonly kind: 'pin'; readonly pin: Pin };

/** Fetches an image and installs it. Resolves with its id. */
export async function pullImage(source: Remote, options: PullOptions): Promise<string> {
  const { env, signal, onProgress } = options;
  const name = nameOf(source);
  const report = (step: ImageProgress['step'], received = 0, total: number | null = null): void =>
    onProgress?.({ step, name, received, total });
  const wish = { ...(env && { env }), ...(signal && { signal }), onWait: () => report('wait') };
  return withCache(wish, async (paths) => {
    const there = await options.already?.();
    if (typeof there === 'string') return there;
    report('ask');
    const network = await Network.open(env);
    const key = source.kind === 'pin' ? null : sourceKey(source.text, options.arch);
    const known = key === null || options.again === true ? undefined : readSources(env)[key];
    const job: Job = { name, network, paths, report, known, again: options.again === true, ...(signal && { signal }) };
    try {
      const pulled = await (source.kind === 'url' ? pullUrl(source, job) : pullPackage(source, job));
      if (key !== null) rememberSource(key, pulled, env);
      return pulled.id;
    } catch (error) {
      throw spaceProblem(error, paths.directory);
    }
  });
}

interface Job {
  readonly name: string;
  readonly network: Network;
  readonly paths: CachePaths;
  readonly report: (step: ImageProgress['step'], received?: number, total?: number | null) => void;
  /** What this source was the last time. */
  readonly known: SourceEntry | undefined;
  readonly again: boolean;
  readonly signal?: AbortSignal;
}

function nameOf(source: Remote): string {
  if (source.kind === 'pin') return `${source.pin.package}@${source.pin.version}`;
  return source.kind === 'npm' ? `${source.name}@${source.version}` : shown(source.url);
}

async function pullPackage(source: Exclude<Remote, { kind: 'url' }>, job: Job): Promise<SourceEntry> {
  const { network, paths, signal } = job;
  const pin = source.kind === 'pin' ? source.pin : null;
  const { name, version } = source.kind === 'pin' ? { name: source.pin.package, version: source.pin.version } : source;
  if (pin !== null) await requireSpace(paths.directory, pin.size + pin.unpacked);
  const tarball = await findTarball(network, name, version, signal);
  if (pin !== null) requirePinned(pin, tarball, network);
  const origin = `${tarball.name}@${tarball.version}`;
  const integrity = tarball.integrity.hex;
  if (job.known?.integrity === integrity && isThere(job.known.id, paths)) return job.known;
  const wanted = { url: tarball.url, spec: name, integrity: tarball.integrity, size: pin?.size ?? null };
  const path = await fetchFile({ ...wanted, name: origin }, job);
  try {
    job.report('unpack');
    return await Staging.use(paths, async (staging) => {
      const bytes = await unpackPackage(path, staging, origin, signal);
      const { manifest, id, sha256 } = manifestOf(bytes, `of ${origin}`);
      if (pin !== null && sha256 !== pin.manifest) {
        throw imageProblem(
          'integrity',
          `${origin} holds the image ${id}, and this vzshell was made for ${pinnedId(pin)}`,
        );
      }
      await staging.install(manifest, bytes, id, origin);
      return { id, integrity };
    });
  } finally {
    await rm(path, { force: true });
    await rm(`${path}.json`, { force: true });
  }
}

/** The registry has the very package that this version of vzshell was made with. */
function requirePinned(pin: Pin, tarball: Tarball, network: Network): void {
  const wanted = integrityOf(pin.integrity);
  if (wanted !== null && sameIntegrity(wanted, tarball.integrity)) return;
  const where = shown(network.registry(pin.package));
  throw imageProblem(
    'integrity',
    `${pin.package}@${pin.version} in the registry ${where} is not the one that this vzshell was made with`,
    {
      hint: `it has sha512 ${tarball.integrity.hex.slice(0, 16)}…, wanted is ${wanted?.hex.slice(0, 16)}…; nothing was fetched. Ask who runs the registry`,
      details: { found: tarball.integrity.hex, wanted: wanted?.hex },
    },
  );
}

async function pullUrl(source: Extract<Remote, { kind: 'url' }>, job: Job): Promise<SourceEntry> {
  const { network, paths, signal } = job;
  const { url } = source;
  const bytes = await network.bytes(url, MAX_MANIFEST, signal === undefined ? {} : { signal });
  const { manifest, id, sha256 } = manifestOf(bytes, `at ${shown(url)}`);
  if (source.sha256 !== null && sha256 !== source.sha256) {
    throw imageProblem('integrity', `the manifest at ${shown(url)} is not what it should be: sha256 ${sha256}`, {
      hint: `it should be ${source.sha256}, as the URL says`,
      details: { url: shown(url), found: sha256, wanted: source.sha256 },
    });
  }
  if (!job.again && isThere(id, paths)) return { id };
  const files = imageFiles(manifest);
  await requireSpace(
    paths.directory,
    files.reduce((sum, { size }) => sum + size, 0),
  );
  return Staging.use(paths, async (staging) => {
    for (const file of files) await stageFile(file, url, staging, job);
    await staging.install(manifest, bytes, id, shown(url));
    return { id };
  });
}

function isThere(id: string, { directory }: CachePaths): boolean {
  return existsSync(join(directory, id, 'manifest.json'));
}

async function stageFile(file: ImageFile, manifestUrl: string, staging: Staging, job: Job): Promise<void> {
  const { file: name, sha256, size } = file.download ?? file;
  const url = new URL(name, manifestUrl).href;
  const integrity: Integrity = { algorithm: 'sha256', hex: sha256 };
  const path = await fetchFile({ url, integrity, size, name: shown(url) }, job);
  try {
    job.report('unpack');
    const packed = fileContent(path);
    const content = file.download === undefined ? packed : decompress(name, packed, file.size);
    await staging.add(file.file, content, job.signal);
  } finally {
    await rm(path, { force: true });
    await rm(`${path}.json`, { force: true });
  }
}

async function fetchFile(
  wanted: {
    readonly url: string;
    readonly spec?: string;
    readonly name: string;
    readonly integrity: Integrity;
    readonly size: number | null;
  },
  { network, paths, report, signal }: Job,
): Promise<string> {
  return download(network, { ...wanted, limit: Math.min(MAX_DOWNLOAD, MAX_IMAGE) }, paths.downloads, {
    ...(signal && { signal }),
    onProgress: ({ received, total }) => report('download', received, total),
  });
}
