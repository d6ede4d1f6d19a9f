// A guest image of changed sources. Only the initrd holds the agent, so a change of the agent needs no new root, which takes a minute.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Edit } from './mutation.ts';

/** The guest that the integration tests boot. */
const ARCH = 'arm64';

/** Builds what the edits of `checkout` need, and makes it the image that its tests boot. `base` is that of the sources as they were. */
export function buildGuest(checkout: string, base: string, edits: readonly Edit[]): void {
  const files = edits.map(({ file }) => file).filter((file) => file.startsWith('guest/'));
  if (files.length === 0) useGuest(checkout, base);
  else if (files.every((file) => file.startsWith('guest/agent/'))) useGuest(checkout, withAgentOf(checkout, base));
  else buildWholeGuest(checkout);
}

/** The image of the sources of `checkout`, from the cache if it is there. */
export function buildWholeGuest(checkout: string): string {
  const output = execFileSync('scripts/build-guest', [ARCH], { cwd: checkout, encoding: 'utf8', stdio: PIPES });
  return output.trim();
}

const PIPES: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];

function useGuest(checkout: string, image: string): void {
  const link = join(checkout, 'build/guest', ARCH);
  rmSync(link, { force: true });
  symlinkSync(image, link);
}

/** The kernel takes the last file of a name, of all archives that follow each other. */
function withAgentOf(checkout: string, base: string): string {
  const to = join(checkout, 'build/mutated');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(base, 'manifest.json'), 'utf8'));
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  for (const each of [manifest.kernel, manifest.root, manifest.store])
    symlinkSync(join(base, each.file), join(to, each.file));
  const initrd = join(to, manifest.initrd.file);
  copyFileSync(join(base, manifest.initrd.file), initrd);
  const PATH = `${process.env.PATH}:/usr/local/go/bin`;
  execFileSync('guest/debian/agent.sh', [ARCH, version, join(to, 'init')], {
    ...{ cwd: checkout, stdio: PIPES },
    env: { ...process.env, PATH },
  });
  appendFileSync(
    initrd,
    execFileSync('cpio', ['-o', '-H', 'newc', '-R', '0:0', '--quiet'], {
      ...{ cwd: to, input: 'init\n', maxBuffer: 2 ** 28 },
    }),
  );
  const bytes = readFileSync(initrd);
  manifest.initrd.size = bytes.length;
  manifest.initrd.sha256 = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(to, 'manifest.json'), JSON.stringify(manifest));
  return to;
}
