import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VzshellError } from '../errors.ts';
import { projectVmName } from '../project/name.ts';
import type { DevelopOptions } from '../vm/types.ts';
import type { DevelopHost } from './develop-host.ts';
import { CACHE_FORMAT, type CachedEnvironment, EnvCache, type KeyParts, keyOf, type ProjectKey } from './env-cache.ts';
import { DEFAULT_SHELL, flakeReference } from './flake-ref.ts';

export interface Found {
  readonly entry: CachedEnvironment;
  readonly from: 'cache' | 'evaluation' | 'fallback';
}

/** Where the environments of one flake and shell come from. */
export class EnvironmentSource {
  /** In the guest. */
  readonly flake: string;
  readonly #host: DevelopHost;
  readonly #options: DevelopOptions;
  readonly #parts: KeyParts;
  /** The flake on the host; null when it lies in the guest alone, and then nobody can tell whether a cached one is still its. */
  readonly #root: string | null;
  readonly #slug: string;
  readonly #cache: EnvCache;

  constructor(host: DevelopHost, options: DevelopOptions) {
    const { imageId, nixVersion, system, user } = host;
    const { shell = DEFAULT_SHELL, impure = false } = options;
    this.flake = options.flake ?? host.workdir;
    this.#host = host;
    this.#options = options;
    this.#parts = { shell, impure, system, imageId, nixVersion, user: user.name, flake: this.flake };
    this.#root = host.hostPath(this.flake);
    this.#slug = `${projectVmName(this.#root ?? this.flake)}-${plainShellName(shell)}`;
    this.#cache = new EnvCache(host.envsDir, host.volumeUuid, this.#slug);
  }

  /** From the cache, by evaluation, or as it was when evaluation last worked. */
  async find(): Promise<Found> {
    const now = this.#now();
    const cached = this.#options.cache === false || this.#root === null ? null : this.#cache.get(now.key);
    if (cached !== null) return { entry: cached, from: 'cache' };
    try {
      return { entry: await this.evaluate(now), from: 'evaluation' };
    } catch (error) {
      const last = this.#options.cache === false || this.#root === null ? null : this.#cache.lastGood();
      if (last === null || !(error instanceof VzshellError) || error.code !== 'ERR_NIX') throw error;
      const said = String(error.details?.stderr ?? '').trimEnd();
      this.#options.onWarning?.(
        `${said === '' ? error.message : said}\nusing the dev shell as it was when evaluation last worked`,
      );
      return { entry: last, from: 'fallback' };
    }
  }

  /** Evaluates anew: also after the guest has lost what `lost` points to. */
  async evaluate(before: ProjectKey = this.#now(), lost?: CachedEnvironment): Promise<CachedEnvironment> {
    if (lost !== undefined) this.#cache.forget(lost.key);
    // Loaded here and not at the top: warm entry must not pay for what it does not use.
    const { evaluateEntry } = await import('./evaluate-entry.ts');
    const { signal, onProgress } = this.#options;
    onProgress?.(`evaluating ${this.flake}`);
    const parts = await evaluateEntry(this.#host, {
      flake: this.flake,
      reference: flakeReference(this.#parts.shell, this.#root),
      slug: this.#slug,
      key: before.key,
      impure: this.#parts.impure,
      lock: () => this.#lock(),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    const after = this.#now();
    const entry: CachedEnvironment = { ...parts, format: CACHE_FORMAT, key: after.key };
    // Nix may have written flake.lock, and then the key with the lock is the environment's. A file that somebody else changed
    // meanwhile makes it unclear which of its contents was evaluated: then nothing is kept.
    if (this.#root !== null && after.filesWithoutLock === before.filesWithoutLock) this.#cache.put(entry);
    return entry;
  }

  #now(): ProjectKey {
    if (this.#root !== null) return this.#cache.key(this.#root, this.#options.watch ?? [], this.#parts);
    return { key: keyOf(randomBytes(16).toString('hex'), this.#parts), filesWithoutLock: '' };
  }

  #lock(): string | null {
    if (this.#root === null) return null;
    try {
      return readFileSync(join(this.#root, 'flake.lock'), 'utf8');
    } catch {
      return null;
    }
  }
}

/** A shell's name as a part of file names that no other shell of the project has. It holds no dash: generations are told by it. */
function plainShellName(shell: string): string {
  if (/^[A-Za-z0-9]{1,40}$/.test(shell)) return shell;
  const hash = createHash('sha256').update(shell).digest('hex').slice(0, 8);
  return `${shell.replace(/[^A-Za-z0-9]+/g, '').slice(0, 31)}_${hash}`;
}
