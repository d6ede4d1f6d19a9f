// What scripts/pack-guest cannot say in shell.
//   files IMAGE ARCH PACKAGE       writes package.json and README.md of the guest package
//   names IMAGE                    prints the names of the image's files, the manifest first
//   pin IMAGE ARCH PACKAGE TARBALL     writes the tarball's digest into guests.json
//   current IMAGE ARCH PACKAGE TARBALL status 0 when all of that is done already
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

const pinsFile = 'guests.json';
const name = `@vzshell/${path.basename(directory ?? '')}`;

/** package.json and README.md of the package, by name. */
function texts() {
  const description = `The Linux guest of vzshell ${own.version} for ${manifest.system}; vzshell fetches it on first use.`;
  const { version, license, repository, homepage } = own;
  // A scoped package is private unless told otherwise.
  const publishConfig = { access: 'public' };
  // No "os" and "cpu": whoever mirrors it need not run it, and vzshell fetches it by itself.
  const about = { name, version, description, license, repository, homepage, publishConfig, files: names };
  const made = Object.entries(manifest.builder).map(([key, value]) => `- ${key}: ${value}`);
  const facts = [`- Nix ${manifest.nixVersion}`, ...made].join('\n');
  return {
    'package.json': `${JSON.stringify(about, null, 2)}\n`,
    'README.md': `# ${name}\n\n${description} It is not to be installed by hand.\n\n${facts}\n`,
  };
}

function writePackage() {
  for (const [file, text] of Object.entries(texts())) writeFileSync(path.join(directory, file), text);
}

function readPins() {
  return existsSync(pinsFile) ? JSON.parse(readFileSync(pinsFile, 'utf8')).images : {};
}

async function entry() {
  const hash = createHash('sha512');
  await pipeline(createReadStream(tarball), hash);
  return {
    package: name,
    version: own.version,
    integrity: `sha512-${hash.digest('base64')}`,
    manifest: createHash('sha256').update(manifestBytes).digest('hex'),
    size: statSync(tarball).size,
    unpacked: files.reduce((sum, { size }) => sum + size, manifestBytes.length),
  };
}

/** Whether package, tarball and pin are those of this image already. */
async function isCurrent() {
  const same = ([file, text]) => {
    const there = path.join(directory, file);
    return existsSync(there) && readFileSync(there, 'utf8') === text;
  };
  if (!existsSync(tarball) || !Object.entries(texts()).every(same)) return false;
  return JSON.stringify(readPins()[arch]) === JSON.stringify(await entry());
}

async function pin() {
  const images = Object.fromEntries(Object.entries({ ...readPins(), [arch]: await entry() }).sort());
  writeFileSync(`${pinsFile}.new`, `${JSON.stringify({ schema: 1, images }, null, 2)}\n`);
  renameSync(`${pinsFile}.new`, pinsFile);
}

if (manifest.arch !== (arch ?? manifest.arch)) {
  console.error(`scripts/pack-guest: build/guest/${arch} holds an image for ${manifest.arch}`);
  process.exit(1);
}
if (task === 'files') writePackage();
else if (task === 'names') process.stdout.write(`${names.join('\n')}\n`);
else if (task === 'current') process.exitCode = (await isCurrent()) ? 0 : 1;
else await pin();
