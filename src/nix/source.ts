import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VzshellError } from '../errors.ts';
import type { DevelopOptions } from '../vm/types.ts';
import type { DevelopHost } from './develop-host.ts';
import { CACHE_FORMAT, type CachedEnvironment, type ProjectKey } from './env-cache.ts';
import { flakeReference } from './flake-ref.ts';
import { EnvironmentLookup } from './lookup.ts';

export interface Found {
  readonly entry: CachedEnvironment;
  readonly from: 'cache' | 'evaluation' | 'fallback';
}

/** Where the environments of one flake and shell come from. */
export class EnvironmentSource {
  readonly #host: DevelopHost;
  readonly #options: DevelopOptions;
  readonly #lookup: EnvironmentLookup;

  constructor(host: DevelopHost, options: DevelopOptions) {
    this.#host = host;
    this.#options = options;
    this.#lookup = new EnvironmentLookup(host, options);
  }

  /** In the guest. */
  get flake(): string {
    return this.#lookup.flake;
  }

  /** From the cache, by evaluation, or as it was when evaluation last worked. */
  async find(): Promise<Found> {
    const now = this.#lookup.now();
    const cached = this.#lookup.get(now);
    if (cached !== null) return { entry: cached, from: 'cache' };
    try {
      return { entry: await this.evaluate(now), from: 'evaluation' };
    } catch (error) {
      const last = this.#lookup.lastGood();
      if (last === null || !(error instanceof VzshellError) || error.code !== 'ERR_NIX') throw error;
      const said = String(error.details?.stderr ?? '').trimEnd();
      const lines = [
        said === '' ? error.message : said,
        ...(error.hint === undefined ? [] : [error.hint.replace(/^/gm, '  ')]),
      ];
      this.#options.onWarning?.([...lines, 'using the dev shell as it was when evaluation last worked'].join('\n'));
      return { entry: last, from: 'fallback' };
    }
  }

  async #hostStore(): Promise<{ refresh(): Promise<unknown>; protect(): Promise<void> } | null> {
    const { context, store: spec } = this.#host;
    if (spec === null) return null;
    const { protectUsed, refreshStore } = await import('./host-store/running.ts');
    const vm = { spec, context };
    return { refresh: () => refreshStore(vm), protect: () => protectUsed(vm) };
  }

  /** Evaluates anew: also after the guest has lost what `lost` points to. */
  async evaluate(before: ProjectKey = this.#lookup.now(), lost?: CachedEnvironment): Promise<CachedEnvironment> {
    const { cache, flake, parts: keyParts, root, slug } = this.#lookup;
    if (lost !== undefined) cache.forget(lost.key);
    // Loaded here and not at the top: entering what is cached must not pay for what it does not use.
    const { evaluateEntry } = await import('./evaluate-entry.ts');
    const { signal, onProgress } = this.#options;
    onProgress?.(`evaluating ${flake}`);
    // What was built on the host meanwhile need not be built again, and what this uses of it is to stay.
    const hostStore = await this.#hostStore();
    await hostStore?.refresh().catch((error: unknown) => {
      if (!(error instanceof VzshellError)) throw error;
      this.#options.onWarning?.(`${error.message}; going on with what the guest knows of it`);
    });
    const parts = await evaluateEntry(this.#host, {
      flake,
      reference: flakeReference(keyParts.shell, root),
      slug,
      key: before.key,
      impure: keyParts.impure,
      lock: () => readLock(root),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    await hostStore?.protect();
    const after = this.#lookup.now();
    const entry: CachedEnvironment = { ...parts, format: CACHE_FORMAT, key: after.key };
    // Nix may have written flake.lock, and then the key with the lock is the environment's. A file that somebody else changed
    // meanwhile makes it unclear which of its contents was evaluated: then nothing is kept.
    if (root !== null && after.filesWithoutLock === before.filesWithoutLock) cache.put(entry);
    return entry;
  }
}

function readLock(root: string | null): string | null {
  if (root === null) return null;
  try {
    return readFileSync(join(root, 'flake.lock'), 'utf8');
  } catch {
    return null;
  }
}
