import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { watch } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { copyIn, copyOut } from '../../../src/vm/copy.ts';
import { packTree } from '../../../src/vm/pack-tree.ts';
import { type RunningAgent, startAgent } from '../agent/running-agent.ts';

let running: RunningAgent;
let host: string;
let guest: string;
beforeAll(async () => {
  running = await startAgent();
}, 120_000);
afterAll(() => running?.[Symbol.asyncDispose]());
beforeEach(async () => {
  host = await mkdtemp(join(tmpdir(), 'vz-host-'));
  guest = await mkdtemp(join(running.directory, 'guest-'));
  return () => rm(host, { recursive: true, force: true });
});

/** All that a copy must keep, of every path of a tree. Times in units of 10 µs: Node sets them as doubles, to about a microsecond. */
async function describeTree(root: string): Promise<Record<string, unknown>> {
  const tree: Record<string, unknown> = {};
  const walk = async (path: string, name: string): Promise<void> => {
    const { mode, mtimeNs, nlink } = await lstat(path, { bigint: true });
    const kept = { mode: (Number(mode) & 0o7777).toString(8), mtime: Number(mtimeNs / 10_000n) };
    const found = await lstat(path);
    if (found.isSymbolicLink()) tree[name] = { link: await readlink(path) };
    else if (found.isDirectory()) {
      tree[name] = kept;
      for (const child of await readdir(path)) await walk(join(path, child), `${name}/${child}`);
    } else tree[name] = { ...kept, nlink: Number(nlink), content: (await readFile(path)).toString('base64') };
  };
  await walk(root, '');
  return tree;
}

/** Times in the middle of a unit of `describeTree`: rounding must not carry one over its edge. */
async function setTimes(root: string): Promise<void> {
  const paths = await readdir(root, { recursive: true });
  for (const [index, path] of ['', ...paths].entries()) {
    const time = 1_500_000_000.123455 + index * 1_000.00001;
    await lutimes(join(root, path), time, time);
  }
}

async function makeTree(root: string): Promise<void> {
  await mkdir(join(root, 'dir with spaces/ünï/deep'), { recursive: true });
  await mkdir(join(root, 'empty'));
  await writeFile(join(root, 'line\nbreak'), 'x');
  await writeFile(join(root, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(root, 'private'), 'secret', { mode: 0o600 });
  await writeFile(join(root, 'binary'), randomBytes(300_000));
  await writeFile(join(root, 'nothing'), '');
  await writeFile(join(root, `${'long'.repeat(50)}.txt`), 'long');
  await writeFile(join(root, 'dir with spaces/ünï/deep/file'), 'deep');
  await link(join(root, 'tool'), join(root, 'dir with spaces/same tool'));
  await symlink('../tool', join(root, 'dir with spaces/link'));
  await symlink('/nowhere/at all', join(root, 'dangling'));
  await writeFile(join(root, 'dir with spaces/readonly'), 'r', { mode: 0o400 });
  await setTimes(root);
  await chmod(join(root, 'dir with spaces'), 0o555);
}

test('a tree goes in and comes out unchanged', async () => {
  const source = join(host, 'tree');
  await mkdir(source);
  await makeTree(source);
  const before = await describeTree(source);
  const report = await copyIn(running.context, source, guest);
  expect(report).toEqual({ entries: Object.keys(before).length, skipped: [] });
  expect(await describeTree(join(guest, 'tree'))).toEqual(before);
  await copyOut(running.context, join(guest, 'tree'), join(host, 'back'));
  expect(await describeTree(join(host, 'back'))).toEqual(before);
  expect((await readdir(host)).sort()).toEqual(['back', 'tree']);
});

test('other tars read what we pack', async () => {
  const source = join(host, 'tree');
  await mkdir(source);
  await makeTree(source);
  const chunks: Buffer[] = [];
  for await (const chunk of packTree(source, 'as named', [])) chunks.push(chunk);
  await writeFile(join(host, 'a.tar'), Buffer.concat(chunks));
  await mkdir(join(host, 'unpacked'));
  await promisify(execFile)('tar', ['-xpf', join(host, 'a.tar'), '-C', join(host, 'unpacked')]);
  expect(await describeTree(join(host, 'unpacked/as named'))).toEqual(await describeTree(source));
});

describe('where a copy goes, as with cp -R', () => {
  test('into a directory that is there, under its own name', async () => {
    await writeFile(join(host, 'file'), 'x');
    await copyIn(running.context, join(host, 'file'), guest);
    expect(await readFile(join(guest, 'file'), 'utf8')).toBe('x');
    await copyOut(running.context, join(guest, 'file'), host);
    await mkdir(join(host, 'in'));
    await copyOut(running.context, join(guest, 'file'), join(host, 'in'));
    expect(await readFile(join(host, 'in/file'), 'utf8')).toBe('x');
  });

  test('else under the name that was given', async () => {
    await writeFile(join(host, 'file'), 'x');
    await copyIn(running.context, join(host, 'file'), join(guest, 'renamed'));
    expect(await readFile(join(guest, 'renamed'), 'utf8')).toBe('x');
    await copyOut(running.context, join(guest, 'renamed'), join(host, 'back'));
    expect(await readFile(join(host, 'back'), 'utf8')).toBe('x');
  });

  test('to a directory that does not exist it is an error, on either side, and none is made', async () => {
    await writeFile(join(host, 'file'), 'x');
    await writeFile(join(guest, 'file'), 'x');
    await expect(copyIn(running.context, join(host, 'file'), join(guest, 'no/such/file'))).rejects.toMatchObject({
      code: 'ERR_GUEST_FS',
      message: expect.stringContaining(`cannot write '${guest}/no/such/file' in the guest: there is no such file`),
    });
    await expect(copyOut(running.context, join(guest, 'file'), join(host, 'no/such/file'))).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      message: `cannot copy to '${host}/no/such/file': there is no directory '${host}/no/such'`,
      hint: `mkdir -p '${host}/no/such'`,
    });
    await expect(copyOut(running.context, join(guest, 'file'), join(host, 'file/x'))).rejects.toMatchObject({
      details: { errno: 'ENOTDIR' },
    });
    expect([await readdir(guest), await readdir(host)]).toEqual([['file'], ['file']]);
  });

  test('a relative path in the guest counts from the workdir', async () => {
    await writeFile(join(host, 'file'), 'x');
    await copyIn(running.context, join(host, 'file'), 'relative');
    expect(await readFile(join(running.directory, 'relative'), 'utf8')).toBe('x');
  });

  test('a directory is merged with one of its name; a file is replaced', async () => {
    await mkdir(join(guest, 'd/sub'), { recursive: true });
    await writeFile(join(guest, 'd/sub/new'), 'new');
    await writeFile(join(guest, 'd/both'), 'from the guest');
    await mkdir(join(host, 'd/sub'), { recursive: true });
    await writeFile(join(host, 'd/sub/kept'), 'kept');
    await writeFile(join(host, 'd/both'), 'from the host');
    await copyOut(running.context, join(guest, 'd'), host);
    expect(await readFile(join(host, 'd/sub/kept'), 'utf8')).toBe('kept');
    expect(await readFile(join(host, 'd/sub/new'), 'utf8')).toBe('new');
    expect(await readFile(join(host, 'd/both'), 'utf8')).toBe('from the guest');
    expect(await readdir(host)).toEqual(['d']);
  });

  test('a link on the host is replaced, never followed', async () => {
    await mkdir(join(host, 'precious'));
    await writeFile(join(host, 'precious/file'), 'precious');
    await mkdir(join(host, 'd'));
    await symlink('../precious', join(host, 'd/sub'));
    await symlink('../precious/file', join(host, 'd/file'));
    await mkdir(join(guest, 'd'));
    await writeFile(join(guest, 'd/file'), 'new');
    await copyOut(running.context, join(guest, 'd'), host);
    expect((await lstat(join(host, 'd/file'))).isFile()).toBe(true);
    await mkdir(join(guest, 'd/sub'));
    await writeFile(join(guest, 'd/sub/file'), 'through the link');
    await expect(copyOut(running.context, join(guest, 'd'), host)).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      details: { errno: 'ENOTDIR' },
    });
    expect(await readFile(join(host, 'precious/file'), 'utf8')).toBe('precious');
  });

  test('a file does not replace a directory', async () => {
    await writeFile(join(guest, 'x'), '');
    await mkdir(join(host, 'x'));
    await mkdir(join(guest, 'y/x'), { recursive: true });
    await expect(copyIn(running.context, join(guest, 'x'), join(guest, 'y'))).rejects.toMatchObject({
      details: { errno: 'EISDIR' },
    });
    await expect(copyOut(running.context, join(guest, 'x'), host)).rejects.toMatchObject({
      details: { errno: 'EISDIR' },
    });
  });
});

describe('failure leaves nothing behind', () => {
  test('no such source', async () => {
    await expect(copyIn(running.context, join(host, 'none'), guest)).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      message: `cannot copy '${join(host, 'none')}': there is no such file or directory`,
    });
    await expect(copyOut(running.context, join(guest, 'none'), host)).rejects.toMatchObject({
      code: 'ERR_GUEST_FS',
      details: { errno: 'ENOENT', path: join(guest, 'none') },
    });
    expect(await readdir(host)).toEqual([]);
  });

  test('a copy that is too large', async () => {
    await writeFile(join(guest, 'large'), Buffer.alloc(100_000));
    await expect(copyOut(running.context, join(guest, 'large'), host, { maxBytes: 50_000 })).rejects.toThrow(
      /over 50000 bytes/,
    );
    expect(await readdir(host)).toEqual([]);
  });

  test('a tree with directories that may not be written, cut off in its middle', async () => {
    await mkdir(join(guest, 'd/locked'), { recursive: true });
    await writeFile(join(guest, 'd/locked/file'), 'x');
    await chmod(join(guest, 'd/locked'), 0o555);
    await writeFile(join(guest, 'd/zz'), Buffer.alloc(100_000));
    await expect(copyOut(running.context, join(guest, 'd'), host, { maxBytes: 50_000 })).rejects.toThrow(
      /over 50000 bytes/,
    );
    expect(await readdir(host)).toEqual([]);
  });

  test('an abort rejects with its reason', async () => {
    const reason = new Error('enough');
    await expect(copyIn(running.context, host, guest, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    await mkdir(join(guest, 'd'));
    for (let index = 0; index < 50; index += 1)
      await writeFile(join(guest, 'd', String(index)), Buffer.alloc(1_000_000));
    const out = copyOut(running.context, join(guest, 'd'), host, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(out).rejects.toBe(reason);
    expect(await readdir(host)).toEqual([]);
  });

  test('a copy into the guest that is cut off leaves the file that was there', async () => {
    await using own = await startAgent();
    const target = join(own.directory, 'd');
    await mkdir(target);
    await writeFile(join(target, 'file'), 'old');
    // So large that no copy of it can end before it is cut off.
    await writeFile(join(host, 'file'), '');
    await truncate(join(host, 'file'), 1e12);
    const controller = new AbortController();
    const begun = once(watch(target), 'change');
    const outcome = copyIn(own.context, join(host, 'file'), target, { signal: controller.signal }).catch(String);
    await begun;
    controller.abort('enough');
    expect(await outcome).toBe('enough');
    // The agent has cleared away when the one stream that there was is over.
    expect((await own.events.next()).value).toMatchObject({ event: 'streams', active: 1 });
    expect((await own.events.next()).value).toMatchObject({ event: 'streams', active: 0 });
    expect(await readdir(target)).toEqual(['file']);
    expect(await readFile(join(target, 'file'), 'utf8')).toBe('old');
  }, 60_000);

  test('a lost VM is its error', async () => {
    await using dying = await startAgent();
    await mkdir(join(dying.directory, 'd'));
    for (let index = 0; index < 50; index += 1)
      await writeFile(join(dying.directory, 'd', String(index)), Buffer.alloc(2_000_000));
    const copying = expect(copyOut(dying.context, join(dying.directory, 'd'), host)).rejects.toMatchObject({
      code: 'ERR_VM_STOPPED',
    });
    await dying.events.next();
    await dying.kill();
    await copying;
    expect(await readdir(host)).toEqual([]);
  }, 60_000);
});

test('a socket has nothing to copy and is reported', async () => {
  await mkdir(join(host, 'd'));
  await writeFile(join(host, 'd/file'), '');
  const server = net.createServer().listen(join(host, 'd/socket'));
  const report = await copyIn(running.context, join(host, 'd'), guest);
  server.close();
  expect(report).toEqual({ entries: 2, skipped: [join(host, 'd/socket')] });
  expect(await readdir(join(guest, 'd'))).toEqual(['file']);
  expect((await stat(join(guest, 'd'))).isDirectory()).toBe(true);
});
