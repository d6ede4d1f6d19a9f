// The API check passes on the addon, and fails on every mistake that is planted in it. Seeds are copies of the addon's own sources
// with one spot spoilt; found by what they spoil, so that they follow the sources.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, run, scratch } from './programs.ts';

const SOURCES = join(ROOT, 'native/src/vz');
/** Milliseconds: a hundred compilations, and others work beside them. */
const PATIENCE = 1_800_000;

const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.mm'));
const read = (name: string): string => readFileSync(join(SOURCES, name), 'utf8');
const place = scratch();
afterAll(() => place.remove());

interface Facts {
  readonly classes: Record<string, { readonly methods: object; readonly properties: object }>;
  readonly enums: Record<string, { readonly values: object }>;
}
const facts = JSON.parse(readFileSync(join(ROOT, 'native/api/virtualization.json'), 'utf8')) as Facts;
const classes = Object.keys(facts.classes).join('|');
const constants = Object.values(facts.enums)
  .flatMap(({ values }) => Object.keys(values))
  .join('|');
const selectors = Object.values(facts.classes)
  .flatMap(({ methods, properties }) => [...Object.keys(methods), ...Object.keys(properties)])
  .map((name) => name.split(':')[0] ?? '')
  // Short ones are Foundation's or the addon's own as well.
  .filter((name) => name.length > 6)
  .join('|');

interface Seed {
  readonly what: string;
  readonly text: string;
  readonly complaint: RegExp;
}

/** In each source that has one, its first match of `pattern`, spoilt. */
function spoil(kind: string, pattern: RegExp, replacement: string, complaint: RegExp): Seed[] {
  return sources
    .filter((name) => pattern.test(read(name)))
    .map((name) => ({ what: `${kind} in ${name}`, text: read(name).replace(pattern, replacement), complaint }));
}

const spoilt: readonly Seed[] = [
  ...spoil('class', new RegExp(`(?<=\\[)(${classes})(?= alloc\\])`), '$1Spoilt', /undeclared identifier/),
  ...spoil('selector', new RegExp(`(?<=\\[[\\w.]+ |\\] )(${selectors})(?=[:\\]])`), '$1Spoilt', /not found|no known/),
  ...spoil('constant', new RegExp(`\\b(${constants})\\b`), '$1Spoilt', /undeclared identifier/),
  ...spoil('guard', /VZS_AVAILABLE\((1[4-9]|2\d)(\.\d)?\)/, 'true', /is only available on macOS/),
];

const plant = (what: string, body: string, complaint: RegExp): Seed => ({
  what,
  text: `#include "platform.h"\n#include <vmnet/vmnet.h>\nvoid planted() {\n${body}\n}\n`,
  complaint,
});

const planted: readonly Seed[] = [
  plant(
    'an unguarded class of macOS 14',
    '[[VZNVMExpressControllerDeviceConfiguration alloc] release];',
    /only available on macOS 14/,
  ),
  plant(
    'an unguarded property of macOS 15',
    '[VZGenericPlatformConfiguration isNestedVirtualizationSupported];',
    /only available on macOS 15/,
  ),
  plant(
    'a guard for too old a macOS',
    'if (VZS_AVAILABLE(14.0)) [VZGenericPlatformConfiguration isNestedVirtualizationSupported];',
    /only available on macOS 15/,
  ),
  plant(
    'an unguarded function of vmnet',
    'auto *function = &vmnet_network_configuration_create; (void)function;',
    /only available on macOS 26/,
  ),
  plant('an initialiser that Apple took away', '[[VZStorageDeviceConfiguration alloc] init];', /unavailable/),
  plant(
    'a value of the wrong type',
    'VZLinuxBootLoader *l = nil; l.commandLine = [NSURL fileURLWithPath:@"/"];',
    /incompatible/,
  ),
  plant('nil for what may not be nil', '[[VZLinuxBootLoader alloc] initWithKernelURL:nil];', /null passed/),
  plant(
    'a selector by name that nobody declares',
    'SEL s = @selector(vzNoSuchThing:); (void)s;',
    /undeclared selector/,
  ),
  plant('a part of Foundation that the facts lack', '[NSFileManager defaultManager];', /undeclared identifier/),
  plant('a class that nobody has', 'VZSpoilt *spoilt = nil; (void)spoilt;', /undeclared identifier|unknown type/),
  plant('what ARC would not take', 'void *p = (void *)[NSString stringWithFormat:@"%d", 1]; (void)p;', /bridged cast/),
];

const path = ({ what }: Seed): string => join(place.path, `${what.replace(/[^\w.]+/g, '-').replace(/\.mm$/, '')}.mm`);

/** The addon's headers are found where its sources find them. */
function withPaths(text: string): string {
  return text.replace(/#include "(?:\.\.\/)?([^"]+)"/g, (line, header: string) => {
    const found = [join(SOURCES, header), join(SOURCES, '..', header)].find((file) => existsSync(file));
    return found === undefined ? line : `#include "${found}"`;
  });
}

let complaints: string[] = [];
beforeAll(() => {
  const seeds = [...spoilt, ...planted];
  for (const seed of seeds) writeFileSync(path(seed), withPaths(seed.text));
  const { status, stderr } = run('scripts/check-api', seeds.map(path));
  expect(status).toBe(1);
  complaints = stderr.split('\n').filter((line) => line.includes('error:'));
}, PATIENCE);

const about = (seed: Seed): string[] => complaints.filter((line) => line.startsWith(`${path(seed)}:`));

it('the addon uses what is published, and nothing newer unguarded', { timeout: PATIENCE }, () => {
  const { status, stdout, stderr } = run('scripts/check-api', []);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(
    new RegExp(`^${sources.length} files, [1-9]\\d* classes of the framework, [1-9]\\d* selectors: all published`),
  );
});

describe('the check finds what is spoilt:', () => {
  it('each kind is in some source', () => {
    const kinds = new Set(spoilt.map(({ what }) => what.split(' ')[0]));
    expect(kinds).toEqual(new Set(['class', 'selector', 'constant', 'guard']));
  });
  it.each(spoilt)('$what', (seed) => {
    expect(about(seed).join('\n')).toMatch(seed.complaint);
  });
});

describe('the check finds', () => {
  it.each(planted)('$what', (seed) => {
    expect(about(seed).join('\n')).toMatch(seed.complaint);
  });
});
