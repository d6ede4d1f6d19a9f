/** Numbers that look random and are the same in every run: a failure can be run again. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number below `limit`. */
export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

export function randomBytes(random: () => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(random, 256)));
}

/** `bytes` with a few of them changed, left out, or doubled. */
export function mutated(random: () => number, bytes: Buffer): Buffer {
  let result = Buffer.from(bytes);
  for (let times = 1 + below(random, 4); times > 0 && result.length > 0; times -= 1) {
    const at = below(random, result.length);
    const kind = below(random, 4);
    if (kind === 0) result[at] = below(random, 256);
    else if (kind === 1) result[at] = (result[at] ?? 0) ^ (1 << below(random, 8));
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + below(random, 8))]);
    else result = Buffer.concat([result.subarray(0, at), result.subarray(Math.max(0, at - below(random, 16)))]);
  }
  return result;
}

/** `bytes` in pieces of any size, empty ones too. */
export function pieces(random: () => number, bytes: Buffer, largest = 64): Buffer[] {
  const cut: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const length = below(random, largest + 1);
    cut.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return cut;
}
