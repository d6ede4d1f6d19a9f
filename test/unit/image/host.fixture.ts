import { createCipheriv } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256, tarball } from './registry.fixture.ts';

/** A user's home with an .npmrc, a state directory, and nothing of this machine's own settings. */
export class TestHost implements Disposable {
  readonly top: string = mkdtempSync(join(tmpdir(), 'vzshell-fetch-'));
  readonly env: NodeJS.ProcessEnv;
  /** Where vzshell would be installed, without an image of its own. */
  readonly packageRoot: string = join(this.top, 'app');
  readonly images: string = join(this.top, 's', 'images');

  constructor(npmrc: readonly string[] = []) {
    mkdirSync(this.packageRoot);
    this.env = {
      HOME: this.top,
      PATH: process.env.PATH ?? '',
      VZSHELL_HOME: join(this.top, 's'),
      npm_config_globalconfig: join(this.top, 'no-such-npmrc'),
    };
    this.npmrc(npmrc);
  }

  /** What comes behind the usual lines: no proxy of this machine's, no waiting for a second try. */
  npmrc(lines: readonly string[]): void {
    const usual = ['noproxy=127.0.0.1', 'fetch-retries=0', 'fetch-retry-mintimeout=1', 'fetch-retry-maxtimeout=10'];
    writeFileSync(join(this.top, '.npmrc'), [...usual, ...lines, ''].join('\n'));
  }

  /** Everything in the images' directory but its lock. */
  get left(): string[] {
    try {
      return readdirSync(this.images, { recursive: true, encoding: 'utf8' })
        .filter((name) => name !== 'lock')
        .sort();
    } catch {
      return [];
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

export interface TestGuest {
  readonly id: string;
  readonly manifest: Buffer;
  readonly files: Readonly<Record<string, Buffer>>;
  readonly tarball: Buffer;
}

/** A guest of small files, as bytes. `change` is laid over its manifest, `rootSize` makes its root bigger. */
export async function testGuest(change: object = {}, rootSize = 0): Promise<TestGuest> {
  const files: Record<string, Buffer> = {
    kernel: Buffer.from('a kernel'),
    initrd: Buffer.alloc(3 * 4096, 'initrd'),
    // Pages of zeros between others: they come out as holes.
    'root.erofs': Buffer.concat([Buffer.from('root'), Buffer.alloc(64 * 4096), noise(rootSize), Buffer.from('end')]),
  };
  const entry = (file: string): object => {
    const bytes = files[file] ?? Buffer.alloc(0);
    return { file, sha256: sha256(bytes), size: bytes.length };
  };
  const content = {
    schema: 1,
    contract: 1,
    arch: 'arm64',
    system: 'aarch64-linux',
    nixVersion: '2.26.3',
    cmdline: '',
    kernel: entry('kernel'),
    initrd: entry('initrd'),
    root: { ...entry('root.erofs'), type: 'erofs' },
    builder: { name: 'test' },
    ...change,
  };
  const manifest = Buffer.from(JSON.stringify(content));
  const archive = await tarball([
    ...Object.entries(files).map(([name, bytes]) => [{ name: `package/${name}` }, bytes] as const),
    [{ name: 'package/manifest.json' }, manifest],
    [{ name: 'package/package.json' }, '{"name":"@vzshell/guest-arm64"}'],
  ]);
  return { id: sha256(manifest).slice(0, 16), manifest, files, tarball: archive };
}

/** Bytes that do not compress, the same each time. */
export function noise(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
}
