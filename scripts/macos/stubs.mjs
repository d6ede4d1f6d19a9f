// Writes what the linker has to know of Apple's libraries, as .tbd files: which names each holds. What a Mac of the deployment
// target might not have is in none of them, so that it does not link.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FRAMEWORK = (name, version) => `/System/Library/Frameworks/${name}.framework/Versions/${version}/${name}`;
const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** The `-framework` or `-l` name of an install name. */
const shortName = (installName) =>
  installName
    .split('/')
    .pop()
    .replace(/(\.[A-Z0-9])?\.dylib$/, '');

/** Writes a stub per library into `directory`; resolves to their paths, those of weakly linked frameworks apart. */
export function writeStubs(root, directory) {
  const native = join(root, 'native');
  const virtualization = read(join(native, 'api/virtualization.json'));
  const foundation = read(join(native, 'apple/foundation.json'));
  const { _about, ...system } = read(join(native, 'apple/system.json'));
  const libraries = {
    ...system,
    [FRAMEWORK('Virtualization', 'A')]: { classes: Object.keys(virtualization.classes), symbols: ['_VZErrorDomain'] },
    [FRAMEWORK('vmnet', 'A')]: { symbols: Object.keys(virtualization.vmnet.functions).map((name) => `_${name}`) },
    // Half of its classes live in Core Foundation, which it exports again: the loader finds them through either.
    [FRAMEWORK('Foundation', 'C')]: {
      classes: Object.keys(foundation.classes).filter((name) => /^\w+$/.test(name)),
      ehTypes: ['NSException'],
      symbols: [...Object.keys(foundation.constants), ...foundation.functions].map((name) => `_${name}`),
    },
  };
  mkdirSync(directory, { recursive: true });
  return Object.entries(libraries).map(([installName, names]) => {
    const path = join(directory, `${shortName(installName)}.tbd`);
    writeFileSync(path, stub(installName, names));
    return path;
  });
}

function stub(installName, { classes = [], ehTypes = [], symbols = [], old = [] }) {
  const list = (key, names) =>
    names.length === 0 ? '' : `    ${key}: [ ${names.map((name) => `'${name}'`).join(', ')} ]\n`;
  return `--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: '${installName}'
exports:
  - targets: [ arm64-macos ]
${list('symbols', [...symbols, ...old])}${list(
  'objc-classes',
  classes.filter((name) => name !== 'NSConstantString'),
)}${list('objc-eh-types', ehTypes)}...
`;
}
