import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createQemuDriver } from '../../../src/driver/qemu/driver.ts';
import { guestMachine } from '../../guest-machine.ts';
import { asRoot, boot, configure, directoryToShare, scratch } from './guest.ts';
import { processesOf } from './processes.ts';

describe('a guest boots and powers off', () => {
  it.each(['arm64', 'x86_64'] as const)('%s', async (arch) => {
    const guest = await boot({ arch });
    expect(guest.hello).toMatchObject({ event: 'hello', protocol: 1, arch });
    expect(guest.machine.accelerator).toMatch(/^(kvm|tcg)$/);
    expect(guest.machine.acceleratorNote === null).toBe(guest.machine.accelerator === 'kvm');
    expect(guest.machine.processes().map(({ name }) => name)).toEqual([
      expect.stringMatching(/^qemu-system-/),
      'vhost-device-vsock',
    ]);
    guest.machine.expectShutdown();
    await guest.agent.shutdown();
    expect(await guest.ended()).toEqual({ reason: 'stopped' });
    expect(guest.machine.processes()).toEqual([]);
    expect(processesOf(guest.spec.runDir)).toEqual([]);
    expect(readdirSync(guest.spec.runDir).filter((name) => name.includes('.sock') && !name.endsWith('_1025'))).toEqual(
      [],
    );
  });
});

it('a power-off that nobody on the host asked for is told as such', async () => {
  const guest = await boot();
  await guest.agent.shutdown();
  expect(await guest.ended()).toMatchObject({ reason: 'guest-shutdown', error: { code: 'ERR_VM_STOPPED' } });
});

it('stop() ends a guest that is still booting, at once, and may be called twice', async () => {
  const spec = guestMachine(scratch());
  const machine = await createQemuDriver({ probesFile: join(spec.runDir, 'probes.json') }).start(spec);
  expect(await Promise.all([machine.stop(), machine.stop()])).toEqual([{ reason: 'stopped' }, { reason: 'stopped' }]);
  expect(processesOf(spec.runDir)).toEqual([]);
});

it('shares are read-only on the host side, console output is bounded, two machines share an image', async () => {
  const directory = scratch();
  const [writable, readOnly] = [directoryToShare(directory, 'rw'), directoryToShare(directory, 'ro, "x"\nü')];
  writeFileSync(join(readOnly, 'file'), 'from the host');
  const guest = await boot({
    runDir: directory,
    shares: [
      { tag: 'rw', path: writable, readOnly: false },
      { tag: 'ro', path: readOnly, readOnly: true },
    ],
  });
  const other = await boot();
  expect(other.hello).toMatchObject({ event: 'hello' });
  expect(await other.machine.stop()).toEqual({ reason: 'stopped' });

  // Both are mounted read-write by the guest: what holds is the host's word.
  await configure(guest);
  expect(await asRoot(guest, 'cat /mnt/ro/file && echo from the guest >/mnt/rw/file')).toEqual({
    code: 0,
    output: 'from the host',
  });
  expect(readFileSync(join(writable, 'file'), 'utf8')).toBe('from the guest\n');
  for (const attempt of ['echo x >/mnt/ro/file', 'touch /mnt/ro/new', 'rm /mnt/ro/file', 'chmod 777 /mnt/ro/file']) {
    const { code, output } = await asRoot(guest, attempt);
    expect(code, attempt).not.toBe(0);
    expect(output).toMatch(/Read-only file system/);
  }
  expect(readdirSync(readOnly)).toEqual(['file']);
  expect(readFileSync(join(readOnly, 'file'), 'utf8')).toBe('from the host');
  // Root in the guest makes no devices on the host.
  expect((await asRoot(guest, 'mknod /mnt/rw/null c 1 3')).code).not.toBe(0);

  const { maxBytes, path } = guest.spec.console;
  const before = process.memoryUsage().rss;
  expect(
    await asRoot(guest, "head -c 30000000 /dev/zero | tr '\\0' x >/dev/hvc0; echo the last words >/dev/hvc0"),
  ).toEqual({
    code: 0,
    output: '',
  });
  expect(statSync(path).size).toBeLessThanOrEqual(maxBytes);
  expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(maxBytes);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  await guest.machine.stop();
  expect(readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8')).toMatch(/xxx\s*the last words/);
});
