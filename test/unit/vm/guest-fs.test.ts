import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGuestFs, type GuestFs } from '../../../src/vm/guest-fs.ts';
import { type RunningAgent, startAgent } from '../agent/running-agent.ts';

let running: RunningAgent;
let fs: GuestFs;
let here: (name: string) => string;
beforeAll(async () => {
  running = await startAgent();
  fs = createGuestFs(running.context);
  here = (name) => join(running.directory, name);
}, 120_000);
afterAll(() => running?.[Symbol.asyncDispose]());

describe('contents', () => {
  test('are written and read: text, bytes, streams', async () => {
    const bytes = randomBytes(400_000);
    await fs.writeFile(here('text'), 'ü\n');
    expect(await fs.readFile(here('text'), 'utf8')).toBe('ü\n');
    expect(await fs.readFile(here('text'), { encoding: 'utf8' })).toBe('ü\n');
    await fs.writeFile(here('bytes'), bytes);
    expect(Buffer.compare(await fs.readFile(here('bytes')), bytes)).toBe(0);
    await fs.writeFile(here('stream'), Readable.from([bytes, bytes], { objectMode: false }));
    expect((await fs.stat(here('stream'))).size).toBe(800_000);
    await fs.writeFile(here('empty'), '');
    expect(await fs.readFile(here('empty'), 'utf8')).toBe('');
  });

  test('a relative path counts from the workdir', async () => {
    await fs.writeFile('relative name', 'x');
    expect(await readFile(here('relative name'), 'utf8')).toBe('x');
  });

  test('mode and flags', async () => {
    await fs.writeFile(here('private'), 'a', { mode: 0o600 });
    await fs.writeFile(here('private'), 'b', { flag: 'a' });
    expect(await readFile(here('private'), 'utf8')).toBe('ab');
    expect((await stat(here('private'))).mode & 0o777).toBe(0o600);
    await expect(fs.writeFile(here('private'), 'c', { flag: 'wx' })).rejects.toMatchObject({
      code: 'ERR_GUEST_FS',
      details: { errno: 'EEXIST', path: here('private') },
    });
  });

  test('streams carry 32 MiB, and finish when the guest has closed the file', async () => {
    const chunks = Array.from({ length: 32 }, () => randomBytes(1024 * 1024));
    const written = createHash('sha256');
    for (const chunk of chunks) written.update(chunk);
    await pipeline(Readable.from(chunks), fs.createWriteStream(here('large')));
    expect((await stat(here('large'))).size).toBe(32 * 1024 * 1024);
    const read = createHash('sha256');
    for await (const chunk of fs.createReadStream(here('large'))) read.update(chunk as Buffer);
    expect(read.digest('hex')).toBe(written.digest('hex'));
  });

  test('a range, as node:fs counts it', async () => {
    await fs.writeFile(here('range'), '0123456789');
    const read = async (range: { start?: number; end?: number }): Promise<string> =>
      Buffer.concat(await fs.createReadStream(here('range'), range).toArray()).toString();
    expect(await read({ start: 2, end: 4 })).toBe('234');
    expect(await read({ start: 8 })).toBe('89');
    expect(await read({ end: 0 })).toBe('0');
  });

  test('leaving a read stream early is no error', async () => {
    const stream = fs.createReadStream('/dev/zero');
    for await (const chunk of stream) {
      expect((chunk as Buffer).length).toBeGreaterThan(0);
      break;
    }
    expect(stream.destroyed).toBe(true);
  });
});

describe('names', () => {
  test('directories, links, renames and removals', async () => {
    await fs.mkdir(here('a/b/c'), { recursive: true });
    await fs.writeFile(here('a/b/file ü\nx'), '1');
    await fs.symlink('b', here('a/link'));
    await fs.mkdir(here('a/mode'), { mode: 0o700 });
    expect((await fs.readdir(here('a'))).sort()).toEqual(['b', 'link', 'mode']);
    const entries = await fs.readdir(here('a/b'), { withFileTypes: true });
    expect(entries.map(({ name, type }) => [name, type]).sort()).toEqual([
      ['c', 'dir'],
      ['file ü\nx', 'file'],
    ]);
    expect(await fs.readlink(here('a/link'))).toBe('b');
    expect((await fs.lstat(here('a/link'))).type).toBe('symlink');
    expect((await fs.stat(here('a/link'))).type).toBe('dir');
    expect((await fs.stat(here('a/mode'))).mode).toBe(0o700);
    await fs.rename(here('a/b'), here('a/d'));
    await fs.rm(here('a'), { recursive: true });
    await fs.rm(here('a'), { force: true });
    await expect(fs.stat(here('a'))).rejects.toMatchObject({ details: { errno: 'ENOENT' } });
  });

  test('a name that is not UTF-8 is listed, with its bytes', async () => {
    await fs.mkdir(here('odd'));
    await writeFile(Buffer.concat([Buffer.from(here('odd/')), Buffer.of(0x66, 0xff)]), '');
    expect(await fs.readdir(here('odd'), { withFileTypes: true })).toEqual([
      { name: 'f\ufffd', type: 'file', nameBytes: Buffer.of(0x66, 0xff) },
    ]);
  });
});

describe('errors say what, which and why', () => {
  test.each<[string, (path: string) => Promise<unknown>, string]>([
    ['there is no such file', (path) => fs.readFile(path), 'ENOENT'],
    ['there is no such file', (path) => fs.createReadStream(path).toArray(), 'ENOENT'],
    ['there is no such file', (path) => fs.writeFile(`${path}/below`, ''), 'ENOENT'],
    ['there is no such file', (path) => once(fs.createWriteStream(`${path}/below`), 'finish'), 'ENOENT'],
    ['there is no such file', (path) => fs.readdir(path), 'ENOENT'],
    ['it is a directory', () => fs.readFile('/tmp'), 'EISDIR'],
    ['it exists already', () => fs.mkdir('/tmp'), 'EEXIST'],
    ['not a directory', () => fs.readdir('/etc/passwd'), 'ENOTDIR'],
  ])('%s', async (why, act, errno) => {
    const error = await act(here('missing')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_GUEST_FS' });
    expect(error).toMatchObject({
      message: expect.stringContaining(why),
      details: { errno, path: expect.stringContaining('/') },
    });
  });

  test('a directory with something in it is removed only when that was said', async () => {
    await fs.mkdir(here('full/of'), { recursive: true });
    await expect(fs.rm(here('full'))).rejects.toMatchObject({ code: 'ERR_GUEST_FS' });
    expect(await fs.readdir(here('full'))).toEqual(['of']);
  });

  test('a full disk, while it is written', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(64 * 1024);
      })(),
    );
    await expect(fs.writeFile('/dev/full', endless)).rejects.toMatchObject({
      code: 'ERR_GUEST_FS',
      details: { errno: 'ENOSPC' },
    });
  });

  test('an empty path, and a NUL', async () => {
    await expect(fs.stat('')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
    await expect(fs.readFile('a\0b')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
  });

  test('an abort while a file is read', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const pending = fs.readFile('/dev/zero', { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(pending).rejects.toBe(reason);
  });
});

test('another user of the guest', async () => {
  await symlink('/nowhere', here('dangling'));
  await fs.writeFile(here('secret'), 'x');
  await chmod(here('secret'), 0o600);
  const asked = fs.readFile(here('secret'), { user: 'nobody' });
  await expect(asked).rejects.toMatchObject({ details: { errno: 'EACCES' } });
});
