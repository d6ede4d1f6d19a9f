// How machines begin and end, on every driver. Each case has a machine of its own.

import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { validateMachineSpec } from '../../src/driver/spec.ts';
import { within } from '../within.ts';
import { countCases, DRIVERS } from './drivers.ts';
import { consoleOf, Guest, machineSpec } from './machine.ts';

describe.each(DRIVERS)('$name', (candidate) => {
  countCases(candidate);
  const { driver } = candidate;

  function directory(): string {
    const path = mkdtempSync('/tmp/vzc-');
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  it('ends as asked when the agent powers off, and leaves no socket', async () => {
    await using guest = await Guest.boot(candidate);
    guest.machine.expectShutdown();
    await guest.agent.shutdown();
    expect(await guest.ended()).toEqual({ reason: 'stopped' });
    expect(guest.machine.processes()).toEqual([]);
    const sockets = readdirSync(guest.spec.runDir).filter((name) => name.includes('.sock') && !name.endsWith('_1025'));
    expect(sockets).toEqual([]);
  });

  it('tells a power-off that nobody asked for', async () => {
    await using guest = await Guest.boot(candidate);
    await guest.agent.shutdown();
    expect(await guest.ended()).toMatchObject({ reason: 'guest-shutdown', error: { code: 'ERR_VM_STOPPED' } });
  });

  it('stops a guest that still boots, at once, and twice', async () => {
    const spec = machineSpec(candidate, { runDir: directory() });
    const machine = await driver.start(spec);
    const both = Promise.all([machine.stop(), machine.stop()]);
    expect(await within(10_000, 'the stop', both, consoleOf(spec))).toEqual([
      { reason: 'stopped' },
      { reason: 'stopped' },
    ]);
  });

  it('stops a paused guest', async () => {
    await using guest = await Guest.boot(candidate);
    await guest.machine.pause();
    expect(await within(10_000, 'the stop', guest.machine.stop(), consoleOf(guest.spec))).toEqual({
      reason: 'stopped',
    });
    await expect(guest.machine.pause()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  });

  it('tells a crash of the guest, with its last words', async () => {
    await using guest = await Guest.boot(candidate);
    await guest.configure();
    guest.run('echo c >/proc/sysrq-trigger').catch(() => undefined);
    const { reason, error } = await guest.ended();
    expect({ reason, code: error?.code }).toEqual({ reason: 'error', code: 'ERR_VM_STOPPED' });
    expect(`${error?.message}\n${error?.hint}`).toMatch(/sysrq triggered crash/);
  });

  it('refuses a disk that another machine writes to, and the other does not notice', async () => {
    const home = directory();
    const path = join(home, 'volume.img');
    writeFileSync(path, '');
    truncateSync(path, 64 * 1024 * 1024);
    const own = machineSpec(candidate);
    const disks = [...own.disks, { id: 'nix', path, readOnly: false }];
    await using first = await Guest.boot(candidate, { runDir: own.runDir, disks });
    await expect(driver.start({ ...machineSpec(candidate, { runDir: home }), disks })).rejects.toMatchObject({
      code: 'ERR_VM_START',
    });
    expect((await first.agent.hello()).configured).toBe(false);
  });

  it('leaves nothing of a start that was aborted', async () => {
    const home = directory();
    const spec = machineSpec(candidate, { runDir: home });
    const reason = new Error('called off');
    const abort = new AbortController();
    const start = driver.start(spec, abort.signal);
    setImmediate(() => abort.abort(reason));
    const outcome = await start.catch((error: unknown) => error);
    // On a quick host the start may win.
    if (outcome !== reason) await (outcome as Guest['machine']).stop();
    expect(readdirSync(home).filter((name) => name.includes('.sock'))).toEqual([]);
    await expect(driver.start(spec, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('runs two machines of one image at once', async () => {
    await using one = await Guest.boot(candidate);
    await using other = await Guest.boot(candidate);
    expect([one.hello.event, other.hello.event]).toEqual(['hello', 'hello']);
    await one.machine.stop();
    expect((await other.agent.hello()).configured).toBe(false);
  });

  it('says why a machine cannot start: a kernel that is none', async () => {
    const home = directory();
    const kernel = join(home, 'kernel');
    writeFileSync(kernel, readFileSync(machineSpec(candidate, { runDir: home }).kernel).subarray(4096, 8192));
    const spec = machineSpec(candidate, { runDir: home, kernel });
    const start = async (): Promise<unknown> => {
      validateMachineSpec(spec);
      return driver.start(spec);
    };
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      message: expect.stringMatching(/^kernel: an uncompressed kernel is needed/),
    });
  });
});
