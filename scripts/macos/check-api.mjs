// Checks that the addon uses only what Apple's frameworks have, and nothing unguarded that is newer than the deployment target:
//   node check-api.mjs [--analyze] [FILE.mm …]      default: every .mm that binding.gyp names
// The compiler does most of it, with the headers that are made from the published API: unknown classes, selectors, constants, wrong
// types and missing guards are errors. What it does not see is read from the objects it makes.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkDeclarations, declaredSelectors } from './foundation.mjs';
import {
  BUILD,
  compileOnce,
  compilerArguments,
  DEPLOYMENT_TARGET,
  forEach,
  llvmTool,
  objectPath,
  sources,
  tool,
} from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Clang's analyser counts retains and releases along every path. It takes as long as all the rest. */
const analyze = process.argv.includes('--analyze');
const ANALYSIS = ['--analyze', '-Xclang', '-analyzer-werror', '-Xclang', '-analyzer-output=text'];

const facts = JSON.parse(readFileSync(join(root, 'native/api/virtualization.json'), 'utf8'));

const number = (version) => {
  const [major, minor = 0] = version.split('.').map(Number);
  return major * 1000 + minor;
};
const isNew = (version) => number(version) > number(DEPLOYMENT_TARGET);

/** Every selector that a message may have: the framework's, Foundation's and NSObject's. */
function publishedSelectors() {
  const selectors = declaredSelectors(root);
  for (const { methods, properties } of [...Object.values(facts.classes), ...Object.values(facts.protocols)]) {
    for (const name of Object.keys(methods)) selectors.add(name);
    for (const [name, { getter }] of Object.entries(properties)) {
      selectors.add(getter ?? name);
      selectors.add(`set${name[0].toUpperCase()}${name.slice(1)}:`);
    }
  }
  return selectors;
}

/** What an object binds and sends: classes by name (with whether they may be absent), selectors, and its own methods. */
async function uses(object) {
  const symbols = await tool(llvmTool('llvm-nm'), ['-m', object]);
  const section = (name) => tool(llvmTool('llvm-objdump'), ['--macho', `--section=${name}`, object]);
  const text = new Map(lines(await section('__TEXT,__objc_methname'), /^(\w{16}) {2}(\S+)$/gm));
  const address = new Map(
    lines(symbols, /^(\w{16}) \(__TEXT,__objc_methname\) \S+ (\S+)$/gm).map(([at, name]) => [name, at]),
  );
  const references = lines(await section('__DATA,__objc_selrefs'), /for symbol:(\S+)$/gm);
  return {
    classes: lines(symbols, /\(undefined\) (weak )?external _OBJC_CLASS_\$_(VZ\w+)/g).map(([weak, name]) => [
      name,
      weak !== undefined,
    ]),
    sent: references.map(([symbol]) => text.get(address.get(symbol)) ?? symbol),
    own: lines(symbols, /[-+]\[\w+(?:\(\w+\))? ([\w:]+)\]/g).map(([name]) => name),
  };
}

/** The groups of each match. */
const lines = (text, pattern) => [...text.matchAll(pattern)].map(([, ...groups]) => groups);

function complaintsAbout({ classes, sent }, published, own) {
  const found = [];
  for (const [name, weak] of classes) {
    const since = facts.classes[name]?.since;
    if (since === undefined) found.push(`there is no class ${name}`);
    else if (isNew(since) && !weak)
      found.push(`class ${name} is of macOS ${since}, and the addon would not load without it`);
  }
  for (const name of sent)
    if (!published.has(name) && !own.has(name)) found.push(`nobody declares the selector ${name}`);
  return found;
}

/** Rejects with every complaint about these files. */
async function check(files, directory) {
  checkDeclarations(root, isNew);
  const common = await compilerArguments(root);
  const found = [];
  await forEach(files, async (source) => {
    const object = objectPath(directory, source);
    await compileOnce(root, common, source, object);
    // The retains and releases go through a few functions that are empty here, so that ARC's rules judge everything else.
    await compileOnce(root, common, source, `${object}.arc`, ['-fobjc-arc', '-fsyntax-only']);
    if (analyze) await compileOnce(root, common, source, `${object}.analysis`, ANALYSIS);
    found.push([source, await uses(object)]);
  });
  const published = publishedSelectors();
  const own = new Set(found.flatMap(([, each]) => each.own));
  const complaints = found.flatMap(([source, each]) =>
    complaintsAbout(each, published, own).map((complaint) => `${relative(root, source)}: ${complaint}`),
  );
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  const count = (list) => new Set(list).size;
  const classes = count(found.flatMap(([, each]) => each.classes.map(([name]) => name)));
  const selectors = count(found.flatMap(([, each]) => each.sent));
  console.log(
    `${files.length} files, ${classes} classes of the framework, ${selectors} selectors: all published, all guarded for macOS ${DEPLOYMENT_TARGET}.`,
  );
}

const named = process.argv.slice(2).filter((word) => word !== '--analyze');
const scratch = named.length > 0 ? mkdtempSync(join(tmpdir(), 'vzshell-check-api-')) : null;
try {
  const files = scratch === null ? sources(root).filter((name) => name.endsWith('.mm')) : named;
  await check(files, scratch ?? join(root, BUILD, 'objects'));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  if (scratch !== null) rmSync(scratch, { recursive: true });
}
