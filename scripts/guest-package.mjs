// What scripts/pack-guest cannot say in shell.
//   files IMAGE ARCH PACKAGE       writes package.json and README.md of the guest package
//   names IMAGE                    prints the names of the image's files, the manifest first
//   pin IMAGE ARCH PACKAGE TARBALL writes the tarball's digest into guests.json
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const [task, image, arch, directory, tarball] = process.argv.slice(2);
const manifestBytes = readFileSync(path.join(image, 'manifest.json'));
const manifest = JSON.parse(manifestBytes.toString('utf8'));
const own = JSON.parse(readFileSync('package.json', 'utf8'));
const files = [manifest.kernel, manifest.initrd, manifest.root, ...(manifest.store ? [manifest.store] : [])];
const names = ['manifest.json', ...files.map(({ file }) => file)];

function writePackage() {
  const name = path.basename(directory);
  const description = `The Linux guest of vzshell ${own.version} for ${manifest.system}; vzshell fetches it on first use.`;
  const { version, license, repository, homepage } = own;
  // No "os" and "cpu": whoever mirrors it need not run it, and vzshell fetches it by itself.
  const about = { name: `@vzshell/${name}`, version, description, license, repository, homepage, files: names };
  writeFileSync(path.join(directory, 'package.json'), `${JSON.stringify(about, null, 2)}\n`);
  const { builder, nixVersion } = manifest;
  const made = Object.entries(builder).map(([key, value]) => `- ${key}: ${value}`);
  writeFileSync(
    path.join(directory, 'README.md'),
    `# @vzshell/${name}\n\n${description} It is not to be installed by hand.\n\n- Nix ${nixVersion}\n${made.join('\n')}\n`,
  );
}

async function pin() {
  const hash = createHash('sha512');
  await pipeline(createReadStream(tarball), hash);
  const { name, version } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'));
  const entry = {
    package: name,
    version,
    integrity: `sha512-${hash.digest('base64')}`,
    manifest: createHash('sha256').update(manifestBytes).digest('hex'),
    size: statSync(tarball).size,
    unpacked: files.reduce((sum, { size }) => sum + size, manifestBytes.length),
  };
  const pins = existsSync('guests.json') ? JSON.parse(readFileSync('guests.json', 'utf8')).images : {};
  const images = Object.fromEntries(Object.entries({ ...pins, [arch]: entry }).sort());
  writeFileSync('guests.json.new', `${JSON.stringify({ schema: 1, images }, null, 2)}\n`);
  renameSync('guests.json.new', 'guests.json');
}

if (manifest.arch !== (arch ?? manifest.arch)) {
  console.error(`scripts/pack-guest: build/guest/${arch} holds an image for ${manifest.arch}`);
  process.exit(1);
}
if (task === 'files') writePackage();
else if (task === 'names') process.stdout.write(`${names.join('\n')}\n`);
else await pin();
