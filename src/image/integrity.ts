/** A digest that a download must have. */
export interface Integrity {
  readonly algorithm: 'sha256' | 'sha512';
  /** Lower-case hex digits. */
  readonly hex: string;
}

/** The sha512 of a Subresource Integrity text such as a registry's `sha512-<base64>`; null when it has none. */
export function integrityOf(text: string): Integrity | null {
  for (const word of text.trim().split(/\s+/)) {
    const base64 = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(word)?.[1];
    if (base64 !== undefined) return { algorithm: 'sha512', hex: Buffer.from(base64, 'base64').toString('hex') };
  }
  return null;
}

export function sameIntegrity(one: Integrity, other: Integrity): boolean {
  return one.algorithm === other.algorithm && one.hex === other.hex;
}
