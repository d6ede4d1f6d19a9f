import { createHash } from 'node:crypto';

const ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';
/** Bytes to which Nix folds the hash in a store path. */
const PATH_HASH_BYTES = 20;

/**
 * The store path of a tree that was fetched with this hash: what Nix calls a fixed output, recursive, sha256. Every flake input
 * lies at such a path, so flake.lock alone tells where. Null when the hash is not a `sha256-…` one.
 */
export function sourceStorePath(narHash: string, name = 'source'): string | null {
  const base64 = /^sha256-([A-Za-z0-9+/]{43}=)$/.exec(narHash)?.[1];
  if (base64 === undefined) return null;
  const hex = Buffer.from(base64, 'base64').toString('hex');
  const digest = createHash('sha256').update(`source:sha256:${hex}:/nix/store:${name}`).digest();
  const folded = Buffer.alloc(PATH_HASH_BYTES);
  digest.forEach((byte, index) => {
    folded[index % PATH_HASH_BYTES] = (folded[index % PATH_HASH_BYTES] ?? 0) ^ byte;
  });
  return `/nix/store/${nixBase32(folded)}-${name}`;
}

/** Nix's own base 32: five bits a digit, the last digits first, an alphabet without e, o, t and u. */
export function nixBase32(bytes: Uint8Array): string {
  let text = '';
  for (let digit = Math.ceil((bytes.length * 8) / 5) - 1; digit >= 0; digit--) {
    const bit = digit * 5;
    const low = (bytes[bit >> 3] ?? 0) >> (bit & 7);
    const high = (bytes[(bit >> 3) + 1] ?? 0) << (8 - (bit & 7));
    text += ALPHABET[(low | high) & 31];
  }
  return text;
}
