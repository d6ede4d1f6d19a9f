// Entitlements as a signature carries them: the property list as it is, and the same in DER, which is what newer kernels read.
// Only what we have is understood: keys that are true or false. Ours are the entitlement that makes virtual machines, and what Node needs
// should somebody sign with the hardened runtime: V8 writes code, and vz.node is of another team. See docs/testing-on-a-mac.md.

/** The keys and values of a property list. Throws for anything but a dictionary of booleans. */
export function parseEntitlements(xml) {
  const body = /<plist version="1.0">\s*<dict>([\s\S]*)<\/dict>\s*<\/plist>\s*$/.exec(xml)?.[1];
  if (body === undefined) throw new Error('entitlements: expected a property list that holds one dictionary');
  // The kernel's own parser knows no comments, and a program whose entitlements it cannot read does not start.
  if (body.includes('<!--')) throw new Error('entitlements: a comment would make macOS refuse them');
  const entries = [];
  const rest = body.replace(/\s*<key>([\w.-]+)<\/key>\s*<(true|false)\/>/g, (_, key, value) => {
    entries.push([key, value === 'true']);
    return '';
  });
  if (rest.trim() !== '')
    throw new Error(`entitlements: only keys that are true or false are understood, got ${rest.trim()}`);
  if (new Set(entries.map(([key]) => key)).size !== entries.length) throw new Error('entitlements: a key occurs twice');
  return entries;
}

/** `[APPLICATION 16] { INTEGER 1, [CONTEXT 16] { SEQUENCE { UTF8String, BOOLEAN } … } }`, keys in order. */
export function encodeEntitlements(entries) {
  const pairs = entries
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([key, value]) => element(0x30, element(0x0c, Buffer.from(key)), element(0x01, Buffer.of(value ? 0xff : 0))));
  return element(0x70, element(0x02, Buffer.of(1)), element(0xb0, ...pairs));
}

function element(tag, ...contents) {
  const content = Buffer.concat(contents);
  const { length } = content;
  const bytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  if (length > 0xffff) throw new Error('entitlements: too long');
  return Buffer.concat([Buffer.of(tag, ...bytes), content]);
}
