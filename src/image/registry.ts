// Where a package's tarball is, and which digest it has, by its registry.

import { type Integrity, integrityOf } from './integrity.ts';
import { type Network, shown } from './network.ts';
import { imageProblem } from './problem.ts';

/** Bytes; a package of ours has some hundred a version. */
const MAX_PACKUMENT = 32 * 1024 * 1024;
/** The short form, which every registry has had for years, or else the long one. */
const ACCEPT = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';

export interface Tarball {
  readonly name: string;
  readonly version: string;
  readonly url: string;
  readonly integrity: Integrity;
}

/** The tarball of `name` at `version`, an exact one or a tag. */
export async function findTarball(
  network: Network,
  name: string,
  version: string,
  signal?: AbortSignal,
): Promise<Tarball> {
  const registry = network.registry(name);
  const url = `${registry.replace(/\/*$/, '')}/${name.replace('/', '%2f')}`;
  const request = { headers: { accept: ACCEPT }, spec: name, ...(signal && { signal }) };
  const packument = record(parsed(await network.bytes(url, MAX_PACKUMENT, request), url));
  const exact = string(record(packument['dist-tags'])[version]) ?? version;
  const dist = record(record(record(packument.versions)[exact]).dist);
  const tarball = string(dist.tarball);
  if (tarball === null || !/^https?:/.test(tarball)) {
    const versions = Object.keys(record(packument.versions));
    throw imageProblem('not-found', `there is no ${name}@${version} in the registry ${shown(registry)}`, {
      hint: `it has ${versions.length === 0 ? 'no version of it' : versions.slice(-5).join(', ')}`,
    });
  }
  const integrity = integrityOf(string(dist.integrity) ?? '');
  if (integrity === null) {
    throw imageProblem('integrity', `the registry ${shown(registry)} gives no sha512 for ${name}@${exact}`, {
      hint: 'without one a damaged file would not be noticed; ask who runs the registry to publish it again',
    });
  }
  return { name, version: exact, url: tarball, integrity };
}

function parsed(bytes: Buffer, url: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw imageProblem('format', `the answer of ${shown(url)} is not JSON`, {
      cause,
      hint: 'is it a registry? `npm config get registry`',
    });
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function string(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
