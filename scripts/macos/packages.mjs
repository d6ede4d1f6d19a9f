// The two npm packages, as directories that `npm pack` makes tarballs of. Neither has scripts, so installing runs nothing.

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names the guest packages of this version by digest; written by scripts/pack-guest. */
const PINS = 'guests.json';
export const PLATFORM_PACKAGE = '@vzshell/darwin-arm64';

const manifest = (path) => JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
const write = (path, value) => writeFileSync(join(path, 'package.json'), `${JSON.stringify(value, null, 2)}\n`);

/** A package without the pins cannot fetch a guest image: fine for a try, never for a release, so it is said. */
function isThere(root, name) {
  if (name !== PINS || existsSync(join(root, PINS))) return true;
  console.error(`There is no ${PINS}, so these packages know no guest image: scripts/pack-guest writes it.`);
  return false;
}

/** Everything of the platform package except what is built: bin/ and lib/ are put there already. */
export function stagePlatformPackage(root, directory, licenses) {
  const { version } = manifest(root);
  const own = manifest(join(root, 'npm/darwin-arm64'));
  if (own.version !== version)
    throw new Error(
      `npm/darwin-arm64/package.json is of version ${own.version}, package.json of ${version}: they go together`,
    );
  write(directory, own);
  cpSync(join(root, 'npm/darwin-arm64/README.md'), join(directory, 'README.md'));
  cpSync(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  // The executable is a CLI as well, and finds its guest images by the file above its bin/.
  if (isThere(root, PINS)) cpSync(join(root, PINS), join(directory, PINS));
  writeFileSync(join(directory, 'THIRD-PARTY-LICENSES'), licenses);
  chmodSync(join(directory, 'bin/vzshell'), 0o755);
}

/**
 * The main package. Its manifest names the platform package in exactly its own version; the one of the checkout does not, for no
 * registry has a version that is not released yet, and `npm ci` would ask for it.
 */
export function stageMainPackage(root, directory) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const { scripts, devDependencies, ...rest } = manifest(root);
  for (const name of rest.files.filter((each) => isThere(root, each)))
    cpSync(join(root, name), join(directory, name), { recursive: true });
  write(directory, { ...rest, optionalDependencies: { [PLATFORM_PACKAGE]: rest.version } });
}

/** Packs a staged package; returns the path of the tarball. */
export function pack(directory, destination) {
  const printed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return join(destination, JSON.parse(printed)[0].filename.replace('@', '').replace('/', '-'));
}
