// Sizes and durations as people write them, in settings and flags.

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** What `parseSize` takes, for messages. */
export const SIZE_RULE = "a size such as '4GiB', '512MiB' or '4G'";
/** What `parseDuration` takes, for messages. */
export const DURATION_RULE = "a time such as '90s', '15m', '2h', or 'never'";

/** Bytes of `2GiB`, `512M`, `1.5g` or a plain number; null when it is no size. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgt])(?:i?b)?|b)?$/i.exec(text.trim());
  if (match === null) return null;
  const bytes = Number(match[1]) * (SIZE_UNITS[(match[2] ?? '').toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(Math.round(bytes)) && bytes >= 1 ? Math.round(bytes) : null;
}

/** Milliseconds of `90s`, `15m` or `2h`; `'never'` for no end; null when it is no time. A bare number has no unit and is none. */
export function parseDuration(text: string): number | 'never' | null {
  if (text === 'never') return 'never';
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(text.trim());
  if (match === null) return null;
  return Math.round(Number(match[1]) * (TIME_UNITS[match[2] ?? ''] ?? Number.NaN));
}
