// Host directories with odd names and with a word of honour that root in the guest tries to break; arguments that are too long;
// two machines at once. Two VMs serve the whole file.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';

useHome();

let top: string;
let odd: string;
let kept: string;
let one: Vm;
let other: Vm;

beforeAll(async () => {
  top = mkdtempSync('/tmp/vzs-shares-');
  odd = join(top, 'a b,c "d"\nünïcode\t$HOME');
  kept = join(top, 'kept');
  for (const directory of [odd, kept]) mkdirSync(directory);
  writeFileSync(join(kept, 'file'), 'from the host');
  const machine = { arch: ARCH, network: 'none', memory: '512MiB' } as const;
  one = await Vm.create({
    ...machine,
    mounts: [{ source: odd }, { source: kept, target: '/mnt/kept', readonly: true }],
    workdir: odd,
  });
  other = await Vm.create({ ...machine, mounts: [{ source: kept, target: '/mnt/writable' }] });
});
afterAll(async () => {
  await one?.stop();
  await other?.stop();
  rmSync(top, { recursive: true, force: true });
});

test('a path with spaces, commas, quotes, unicode and a newline is the same in the guest', async () => {
  writeFileSync(join(odd, 'ü\nname'), 'from the host');
  expect((await one.exec('pwd')).stdout).toBe(`${odd}\n`);
  expect((await one.exec('cat', ['ü\nname'])).stdout).toBe('from the host');
  await one.exec('mkdir', ['made\nthere']);
  await one.fs.writeFile(`${odd}/made\nthere/file`, 'from the guest');
  expect(readFileSync(join(odd, 'made\nthere', 'file'), 'utf8')).toBe('from the guest');
});

test.each([
  ['writes', 'echo x >/mnt/kept/file'],
  ['makes a file', 'touch /mnt/kept/new'],
  ['removes', 'rm -f /mnt/kept/file'],
  ['mounts it writable again, and writes', 'mount -o remount,rw /mnt/kept && echo x >/mnt/kept/file'],
  ['mounts the share a second time, and writes', 'mkdir /m && mount -t virtiofs s1 /m && echo x >/m/file'],
])('a read-only mount stays as it is when root in the guest %s', async (_, attempt) => {
  const { exitCode, stderr } = await one.exec('sh', ['-c', attempt], { user: 'root', reject: false });
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(/Read-only file system/);
  expect(readdirSync(kept)).toEqual(['file']);
  expect(readFileSync(join(kept, 'file'), 'utf8')).toBe('from the host');
});

test.each([
  ['of 1 MiB', 1024 ** 2],
  ['longer than any message to the guest', 5 * 1024 ** 2],
])('an argument %s is refused as too big, and the VM lives', async (_, length) => {
  await expect(one.exec('true', ['x'.repeat(length)])).rejects.toMatchObject({
    code: 'ERR_EXEC',
    details: { reason: 'too-big' },
  });
  expect((await one.exec('echo', ['alive'])).stdout).toBe('alive\n');
});

test('two VMs at once: each has its own files, host name and processes', async () => {
  const seen = (vm: Vm): Promise<string> =>
    vm.sh('hostname; cat /proc/sys/kernel/random/boot_id; ls /mnt').then(({ stdout }) => stdout);
  const [a, b] = await Promise.all([seen(one), seen(other)]);
  expect(a.split('\n').slice(2)).toEqual(['kept', '']);
  expect(b.split('\n').slice(2)).toEqual(['writable', '']);
  expect(a.split('\n').filter((line) => line !== '' && b.split('\n').includes(line))).toEqual([]);

  await Promise.all([one.fs.writeFile('/tmp/mine', 'one'), other.fs.writeFile('/tmp/mine', 'other')]);
  expect([await one.fs.readFile('/tmp/mine', 'utf8'), await other.fs.readFile('/tmp/mine', 'utf8')]).toEqual([
    'one',
    'other',
  ]);
  const sleeper = await other.spawn('sleep', ['614']);
  expect((await one.exec('pgrep', ['-f', '^sleep 614'], { reject: false })).exitCode).toBe(1);
  // The same host directory, writable here and read-only there.
  await other.exec('sh', ['-c', 'echo from the other >/mnt/writable/note']);
  expect((await one.exec('cat', ['/mnt/kept/note'])).stdout).toBe('from the other\n');

  await one.stop();
  expect((await other.exec('echo', ['alive'])).stdout).toBe('alive\n');
  await sleeper.kill();
  expect(existsSync(join(kept, 'note'))).toBe(true);
});
