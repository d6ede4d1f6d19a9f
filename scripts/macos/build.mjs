// Both npm packages, as scripts/build-macos describes.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './addon.mjs';
import { assemble } from './executable.mjs';
import { thirdPartyLicenses } from './licenses.mjs';
import { pack, stageMainPackage, stagePlatformPackage } from './packages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const destination = join(root, 'build/npm');
/** An Intel Mac makes what it can run itself; no package is made of it. */
const target = process.platform === 'darwin' ? `darwin-${process.arch}` : 'darwin-arm64';
const platform = join(destination, target);
const say = (text) => console.error(text);

const addon = join(platform, 'lib/vz.node');
if (process.platform === 'darwin') {
  const built = join(root, 'build/Release/vz.node');
  if (!existsSync(built)) throw new Error(`there is no ${built}: npm run build:native`);
  mkdirSync(dirname(addon), { recursive: true });
  cpSync(built, addon);
} else {
  say('Compiling the addon for arm64 macOS.');
  await buildAddon(root, addon).catch((error) => {
    say(error.message);
    process.exit(1);
  });
}
say('Assembling the executable.');
const inputs = await assemble(root, target, join(platform, 'bin/vzshell'));
say('Signing.');
execFileSync(join(root, 'scripts/sign'), [join(platform, 'bin/vzshell'), addon], { stdio: 'inherit' });
if (target !== 'darwin-arm64') process.exit();
say('Packing.');
stagePlatformPackage(root, platform, thirdPartyLicenses(root, inputs));
stageMainPackage(root, join(destination, 'vzshell'));
for (const directory of [platform, join(destination, 'vzshell')])
  console.log(relative(root, pack(directory, destination)));
