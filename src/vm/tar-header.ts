// The head of a tar entry, ustar with a pax record for what ustar cannot hold: any name, any size, nanoseconds. Written here
// because a packer that buffers heads has no bound in a tree of a million links; tar-stream reads them, as every tar does.

export interface TarEntry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'link';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  /** Target of a symlink, or name of the entry that a link is another name of. */
  readonly linkname?: string;
}

const BLOCK = 512;
const TYPE_FLAGS = { file: '0', link: '1', symlink: '2', directory: '5', pax: 'x' } as const;
/** What fits the octal fields. */
const MAX_ID = 0o7777777;
const MAX_SIZE = 0o77777777777;

/** The blocks that go before an entry's bytes. */
export function tarHeader(entry: TarEntry): Buffer {
  const records = paxRecords(entry);
  return Buffer.concat([
    block({ ...entry, name: 'pax', size: records.length, linkname: '' }, TYPE_FLAGS.pax),
    records,
    tarPadding(records.length),
    block(entry, TYPE_FLAGS[entry.type]),
  ]);
}

/** Zeros up to the next block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Two empty blocks end an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

function paxRecords(entry: TarEntry): Buffer {
  const records: string[] = [record('path', entry.name), record('mtime', seconds(entry.mtimeNs))];
  if (entry.linkname !== undefined) records.push(record('linkpath', entry.linkname));
  if (entry.size > MAX_SIZE) records.push(record('size', String(entry.size)));
  if (entry.uid > MAX_ID) records.push(record('uid', String(entry.uid)));
  if (entry.gid > MAX_ID) records.push(record('gid', String(entry.gid)));
  return Buffer.from(records.join(''));
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length += 1;
  return `${length} ${key}=${value}\n`;
}

function seconds(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const absolute = ns < 0n ? -ns : ns;
  return `${sign}${absolute / 1_000_000_000n}.${String(absolute % 1_000_000_000n).padStart(9, '0')}`;
}

function block(entry: Omit<TarEntry, 'type'>, typeFlag: string): Buffer {
  const head = Buffer.alloc(BLOCK);
  // The real name is in the pax record; a reader that ignores it sees the beginning.
  head.write(entry.name.slice(0, 25), 0, 100);
  octal(head, entry.mode & 0o7777, 100, 8);
  octal(head, Math.min(entry.uid, MAX_ID), 108, 8);
  octal(head, Math.min(entry.gid, MAX_ID), 116, 8);
  octal(head, Math.min(entry.size, MAX_SIZE), 124, 12);
  octal(head, Math.min(Math.max(0, Number(entry.mtimeNs / 1_000_000_000n)), MAX_SIZE), 136, 12);
  head.write(typeFlag, 156, 'latin1');
  head.write((entry.linkname ?? '').slice(0, 25), 157, 100);
  head.write('ustar\x0000', 257, 'latin1');
  head.fill(' ', 148, 156);
  octal(
    head,
    head.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return head;
}

function octal(head: Buffer, value: number, offset: number, width: number): void {
  head.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
}
