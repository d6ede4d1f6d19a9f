// What a script's author relies on, end to end: the public API alone, one real guest, nothing left behind.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExecError, Vm } from 'vzshell';

let scratch: string;
let vm: Vm;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'vzs-'));
  process.env['VZSHELL_HOME'] = path.join(scratch, 'home');
  const hello = path.join(scratch, 'hello');
  await cp('examples/hello', hello, { recursive: true });
  vm = await Vm.create({ arch: 'arm64', network: 'none', memory: '1GiB', mounts: [{ source: hello }], workdir: hello });
});

afterAll(async () => {
  await vm?.stop();
  await rm(scratch, { recursive: true, force: true });
});

describe('a script that imports vzshell', () => {
  test('runs 200 commands, 50 at a time, and each gives its own output', async () => {
    const run = async (index: number): Promise<void> => {
      const input = randomBytes(1000 + index * 37);
      const { stdout } = await vm.exec('sha256sum', [], { input });
      expect(stdout.split(' ')[0]).toBe(createHash('sha256').update(input).digest('hex'));
    };
    const queue = Array.from({ length: 200 }, (_, index) => index);
    const worker = async (): Promise<void> => {
      for (let index = queue.pop(); index !== undefined; index = queue.pop()) await run(index);
    };
    await Promise.all(Array.from({ length: 50 }, worker));
  });

  test('gets all output that it did not read for a while, though all of its input was waiting behind it', async () => {
    const input = randomBytes(8 * 1024 ** 2);
    const cat = await vm.spawn('cat');
    cat.stdin.end(input);
    // Until nothing moves any more, neither in nor out.
    const stuck = `same=0; while [ $same -lt 5 ]; do
      now=$(cat /proc/${cat.pid}/io); [ "$now" = "$last" ] && same=$((same + 1)) || same=0; last=$now; sleep 0.1; done`;
    await vm.sh(stuck, { user: 'root', timeout: 60_000 });
    const output = createHash('sha256');
    for await (const chunk of cat.stdout) output.update(chunk);
    expect(output.digest('hex')).toBe(createHash('sha256').update(input).digest('hex'));
    await cat.exited;
  });

  test('copies a tree in and out unchanged: modes, links, times, odd names', async () => {
    const source = path.join(scratch, 'tree');
    await mkdir(path.join(source, 'deep', 'empty'), { recursive: true });
    await writeFile(path.join(source, 'run me.sh'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(path.join(source, 'deep', 'ü\nnewline'), randomBytes(70_000), { mode: 0o600 });
    await symlink('run me.sh', path.join(source, 'link'));
    await symlink('/nowhere/at all', path.join(source, 'dangling'));
    await utimes(path.join(source, 'run me.sh'), 1_600_000_000, 1_600_000_000.123);
    await utimes(path.join(source, 'deep', 'empty'), 1_500_000_000, 1_500_000_000);

    await vm.copyIn(source, '/tmp/tree');
    await vm.copyOut('/tmp/tree', path.join(scratch, 'back'));
    expect(await describeTree(path.join(scratch, 'back'))).toEqual(await describeTree(source));
  });

  test('forwards a port to a server in the guest', async () => {
    await vm.fs.mkdir('/tmp/www');
    await vm.fs.writeFile('/tmp/www/greeting.txt', 'hello from the guest\n');
    // Without -f it returns when it listens, so there is nothing to wait for.
    await vm.exec('busybox', ['httpd', '-p', '7070', '-h', '/tmp/www']);
    await using forward = await vm.forward({ guestPort: 7070 });
    const response = await fetch(`${forward.url}/greeting.txt`);
    expect(await response.text()).toBe('hello from the guest\n');
  });

  test('develops: the same verbs inside the dev shell of a flake', async () => {
    const shell = await vm.develop();
    expect(shell.from).toBe('evaluation');
    const { stdout } = await shell.exec('sh', ['-c', 'command -v make gcc; make test']);
    expect(
      stdout
        .split('\n')
        .slice(0, 2)
        .every((line) => line.startsWith('/nix/store/')),
    ).toBe(true);
    expect((await vm.develop()).from).toBe('cache');
  });

  test('gets the command, its exit code and its stderr in the error', async () => {
    const error = await vm.exec('sh', ['-c', 'echo oops >&2; exit 3']).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ExecError);
    expect(error).toMatchObject({ code: 'ERR_EXEC', exitCode: 3, stderr: 'oops\n' });
  });

  test('leaves nothing behind', async () => {
    const other = await Vm.create({ arch: 'arm64', network: 'none', memory: '512MiB' });
    const { directory, volume, pid } = other.info;
    await other.stop();
    expect(existsSync(directory)).toBe(false);
    expect(await readdir(path.join(scratch, 'home', 'volumes'))).not.toContain(`${volume}.img`);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect((await Vm.list()).map((info) => info.id)).not.toContain(other.id);
  });
});

interface Entry {
  readonly mode: number;
  readonly mtimeMs: number | null;
  readonly content: string;
}

/** Everything about a tree that a copy must keep. A symlink's own time is left out: not every file system keeps it. */
async function describeTree(root: string): Promise<Record<string, Entry>> {
  const entries: Record<string, Entry> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const stats = await lstat(file);
    const content = entry.isSymbolicLink()
      ? `-> ${await readlink(file)}`
      : entry.isFile()
        ? createHash('sha256')
            .update(await readFile(file))
            .digest('hex')
        : 'directory';
    entries[path.relative(root, file)] = {
      mode: stats.mode,
      mtimeMs: entry.isSymbolicLink() ? null : Math.round(stats.mtimeMs),
      content,
    };
  }
  return entries;
}
