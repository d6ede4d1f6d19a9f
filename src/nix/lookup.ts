import { createHash, randomBytes } from 'node:crypto';
import { projectVmName } from '../project/name.ts';
import type { DevelopOptions } from '../vm/types.ts';
import type { DevelopHost } from './develop-host.ts';
import { type CachedEnvironment, EnvCache, type KeyParts, keyOf, type ProjectKey } from './env-cache.ts';
import { DEFAULT_SHELL } from './flake-ref.ts';

/** What is cached of one flake and shell. Apart from `source.ts`, so that warm entry loads nothing of evaluation. */
export class EnvironmentLookup {
  /** In the guest. */
  readonly flake: string;
  /** The flake on the host; null when it lies in the guest alone, and then nobody can tell whether a cached one is still its. */
  readonly root: string | null;
  readonly slug: string;
  readonly parts: KeyParts;
  readonly cache: EnvCache;
  readonly #watch: readonly string[];
  readonly #usable: boolean;

  constructor(host: DevelopHost, options: DevelopOptions) {
    const { imageId, nixVersion, system, user } = host;
    const { shell = DEFAULT_SHELL, impure = false } = options;
    this.flake = options.flake ?? host.workdir;
    this.parts = { shell, impure, system, imageId, nixVersion, user: user.name, flake: this.flake };
    this.root = host.hostPath(this.flake);
    this.slug = `${projectVmName(this.root ?? this.flake)}-${plainShellName(shell)}`;
    this.cache = new EnvCache(host.envsDir, host.volumeUuid, this.slug);
    this.#watch = options.watch ?? [];
    this.#usable = options.cache !== false && this.root !== null;
  }

  /** The key of the environment that the files describe now. */
  now(): ProjectKey {
    if (this.root !== null) return this.cache.key(this.root, this.#watch, this.parts);
    return { key: keyOf(randomBytes(16).toString('hex'), this.parts), filesWithoutLock: '' };
  }

  get({ key }: ProjectKey): CachedEnvironment | null {
    return this.#usable ? this.cache.get(key) : null;
  }

  lastGood(): CachedEnvironment | null {
    return this.#usable ? this.cache.lastGood() : null;
  }
}

/** A shell's name as a part of file names that no other shell of the project has. It holds no dash: generations are told by it. */
function plainShellName(shell: string): string {
  if (/^[A-Za-z0-9]{1,40}$/.test(shell)) return shell;
  const hash = createHash('sha256').update(shell).digest('hex').slice(0, 8);
  return `${shell.replace(/[^A-Za-z0-9]+/g, '').slice(0, 31)}_${hash}`;
}
