import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An image of three small files in a directory that goes away with `using`. */
export interface TestImage extends Disposable {
  readonly directory: string;
  readonly manifest: string;
  readonly remember: string;
  /** The manifest's content, for changing and writing back. */
  readonly content: Record<string, unknown>;
  write(content: unknown): void;
}

export function testImage(): TestImage {
  const directory = mkdtempSync(join(tmpdir(), 'vzshell-image-'));
  const manifest = join(directory, 'manifest.json');
  const entry = (file: string): Record<string, unknown> => {
    const bytes = Buffer.from(`the ${file} of a test`);
    writeFileSync(join(directory, file), bytes);
    return { file, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
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
    store: entry('store.sqlite'),
    builder: { name: 'test' },
  };
  const write = (value: unknown): void =>
    writeFileSync(manifest, typeof value === 'string' ? value : JSON.stringify(value));
  write(content);
  return {
    directory,
    manifest,
    remember: join(directory, 'state', 'probes.json'),
    content,
    write,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
