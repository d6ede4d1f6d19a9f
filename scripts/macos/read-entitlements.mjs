// Entitlements as found in a signature, in either form, as a plain object. For the checker: see check-signature.mjs.

/** Walks the tags of a property list of booleans. */
export function decodePlist(xml) {
  const tags = xml.replace(/<!--[\s\S]*?-->|<[?!][^>]*>/g, '').match(/<[^>]+>[^<]*/g) ?? [];
  const words = tags.map((tag) => tag.trim());
  const [open, dictionary] = words.splice(0, 2);
  const closing = words.splice(-2);
  if (!open?.startsWith('<plist') || dictionary !== '<dict>' || closing.join() !== '</dict>,</plist>')
    throw new Error('entitlements: this is not a property list with one dictionary');
  const result = {};
  while (words.length > 0) {
    const [key, end, value] = words.splice(0, 3);
    if (!key.startsWith('<key>') || end !== '</key>' || !/^<(true|false)\s*\/>$/.test(value))
      throw new Error(`entitlements: not a key and a boolean: ${key} ${value}`);
    result[key.slice('<key>'.length)] = value.startsWith('<true');
  }
  return result;
}

/** One element of DER: `[tag, content, what follows]`. */
function take(bytes) {
  let [tag, length] = bytes;
  let header = 2;
  if (length > 0x80) {
    header += length - 0x80;
    length = bytes.subarray(2, header).reduce((sum, byte) => sum * 256 + byte, 0);
    if (length < 0x80) throw new Error('DER entitlements: a length is not in its shortest form');
  }
  if (!(header + length <= bytes.length)) throw new Error('DER entitlements: an element is cut off');
  return [tag, bytes.subarray(header, header + length), bytes.subarray(header + length)];
}

function expectTag(bytes, tag, what) {
  const [found, content, rest] = take(bytes);
  if (found !== tag) throw new Error(`DER entitlements: expected ${what}, got tag 0x${found.toString(16)}`);
  return [content, rest];
}

export function decodeDer(bytes) {
  const [content, after] = expectTag(bytes, 0x70, 'the outermost element');
  const [version, body] = expectTag(content, 0x02, 'a version');
  let [pairs, end] = expectTag(body, 0xb0, 'a dictionary');
  if (after.length > 0 || end.length > 0) throw new Error('DER entitlements: something follows');
  if (!version.equals(Buffer.of(1))) throw new Error('DER entitlements: unknown version');
  const result = {};
  let last = '';
  while (pairs.length > 0) {
    const [pair, next] = expectTag(pairs, 0x30, 'a pair');
    const [key, rest] = expectTag(pair, 0x0c, 'a key');
    const [value, nothing] = expectTag(rest, 0x01, 'a boolean');
    if (nothing.length > 0 || value.length !== 1) throw new Error('DER entitlements: a pair holds more than a boolean');
    if (key.toString() <= last) throw new Error('DER entitlements: keys are not in order');
    last = key.toString();
    result[last] = value[0] !== 0;
    pairs = next;
  }
  return result;
}
