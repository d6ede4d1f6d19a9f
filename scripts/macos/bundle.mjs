// The JavaScript of the executable: `src/host/main.ts`, and beside it a bundle for each module that it loads on demand. One bundle of
// everything would be parsed whole at every start, which takes longer than Node's own.

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const ENTRY = 'src/host/main.ts';

/**
 * Paths relative to a module are of two levels in the package (dist/cli/…), so every bundle says that it lies as deep below the
 * directory that holds bin/.
 */
const BANNER = `
const vzshellModule = require('node:url').pathToFileURL(process.execPath.replace(/[^/]*\\/[^/]*$/, 'dist/host/main.js')).href;
`;

/** What an import on demand becomes in the executable, which can import no files: its bundle is an asset, and run as a script. */
const loader = (asset) => `
const { getAsset } = require('node:sea');
const { Script } = require('node:vm');
const text = '(function (exports, require, module) {' + getAsset('${asset}', 'utf8') + '\\n})';
const loaded = { exports: {} };
new Script(text, { filename: '${asset}' }).runInThisContext()(loaded.exports, require, loaded);
module.exports = loaded.exports;
`;

/** Notes in `wanted` what is imported on demand (asset name → source file), and puts loaders there. */
const onDemand = (wanted) => ({
  name: 'on-demand',
  setup(builder) {
    builder.onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const source = join(resolveDir, path);
      const name = `${basename(join(source, '..'))}-${basename(source, '.ts')}.cjs`;
      wanted.set(name, source);
      return { path: name, namespace: 'on-demand' };
    });
    builder.onLoad({ filter: /.*/, namespace: 'on-demand' }, ({ path }) => ({ contents: loader(path), loader: 'js' }));
  },
});

/**
 * Bundles the program into `directory`; returns the path of its main script, those of its assets by name, and all files in it,
 * relative to `root`.
 */
export async function bundle(root, directory) {
  const wanted = new Map();
  const main = await bundleOne(root, join(root, ENTRY), join(directory, 'main.cjs'), [onDemand(wanted)]);
  const inputs = new Set(main.inputs);
  const assets = {};
  for (const [name, source] of wanted) {
    assets[name] = join(directory, name);
    const made = await bundleOne(root, source, assets[name], []);
    for (const input of made.inputs) inputs.add(input);
  }
  return { main: main.outfile, assets, inputs: [...inputs] };
}

async function bundleOne(root, entry, outfile, plugins) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { warnings, metafile } = await build({
    metafile: true,
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    plugins,
    bundle: true,
    platform: 'node',
    // Not a module: that would load every part of Node that any of ours needs before the first line runs.
    format: 'cjs',
    target: 'node26',
    // What is left of them loads parts of Node, and an asset is a script that can only `require`.
    supported: { 'dynamic-import': false },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'eof',
    logLevel: 'warning',
    define: { 'import.meta.url': 'vzshellModule', VZSHELL_VERSION: JSON.stringify(version) },
    banner: { js: BANNER },
  });
  if (warnings.length > 0) throw new Error('the bundle has warnings, see above');
  return { outfile, inputs: Object.keys(metafile.inputs) };
}
