import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Arch } from '../../../../src/driver/driver.ts';
import {
  askOnce,
  chooseAcceleration,
  distrustKvm,
  type ProbeTools,
  runProbe,
  type Verdict,
  wantedAcceleration,
} from '../../../../src/driver/qemu/kvm.ts';
import { findPrograms, requirePrograms } from '../../../../src/driver/qemu/programs.ts';
import { Memory } from '../../../../src/driver/qemu/remember.ts';
import { scratch } from '../scratch.ts';

const HOST: Arch = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const OTHER: Arch = HOST === 'arm64' ? 'x86_64' : 'arm64';

async function tools(arch: Arch, memory: Memory): Promise<ProbeTools> {
  const programs = await findPrograms(arch, memory);
  return { ...requirePrograms(programs), qboot: programs.qboot };
}

const memoryIn = (directory: string): Memory => new Memory(join(directory, 'probes.json'));

describe('the probe', () => {
  it.each(['x86_64', 'arm64'] as const)('its guest runs to its end on a processor that works (%s)', async (arch) => {
    expect(await runProbe(arch, 'tcg', await tools(arch, memoryIn(scratch())))).toEqual({
      trouble: '',
      late: false,
    });
  });

  it('says what went wrong when QEMU cannot start it', async () => {
    const real = await tools(HOST, memoryIn(scratch()));
    const verdict = await runProbe(HOST, 'kvm', { ...real, qemu: { ...real.qemu, path: '/bin/false' } });
    expect(verdict).toEqual({ trouble: 'QEMU ended with status 1', late: false });
  });

  it('a guest that takes too long is no answer to remember', async () => {
    const directory = scratch();
    const memory = memoryIn(directory);
    const real = await tools(HOST, memory);
    const path = join(directory, 'qemu');
    writeFileSync(path, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const slow = (): Promise<Verdict> => runProbe(HOST, 'kvm', { ...real, qemu: { ...real.qemu, path } });
    expect(await askOnce('kvm', memory, slow)).toBe('the guest did not end in time');
    expect(await askOnce('kvm', memory, async () => ({ trouble: '', late: false }))).toBe('');
    expect(await askOnce('kvm', memory, slow)).toBe('');
  });

  it('gives an honest answer in time, and remembers it', async () => {
    const memory = memoryIn(scratch());
    const with_ = await tools(HOST, memory);
    const started = performance.now();
    const first = await chooseAcceleration(HOST, with_, memory);
    expect(performance.now() - started).toBeLessThan(2_500);
    if (!existsSync('/dev/kvm')) expect(first).toEqual({ name: 'tcg', note: 'this host has no /dev/kvm' });
    else if (first.name === 'tcg') expect(first.note).toMatch(/^\/dev\/kvm /);
    else expect(first.note).toBeNull();
    // A QEMU that cannot run shows that nothing is asked a second time.
    const broken = { ...with_, qemu: { ...with_.qemu, path: '/bin/false' } };
    expect(await chooseAcceleration(HOST, broken, memory)).toEqual(first);
  });

  it('says that another architecture can only be emulated', async () => {
    const memory = memoryIn(scratch());
    expect(await chooseAcceleration(OTHER, await tools(OTHER, memory), memory)).toEqual({
      name: 'tcg',
      note: `an ${OTHER} guest on an ${HOST} host can only be emulated`,
    });
  });

  it('does not believe in KVM any more after it stopped a real guest', async () => {
    const memory = memoryIn(scratch());
    const with_ = await tools(HOST, memory);
    distrustKvm(with_.qemu.version, memory);
    const { name, note } = await chooseAcceleration(HOST, with_, memory);
    expect(name).toBe('tcg');
    expect(note).toMatch(/a real guest was stopped|no \/dev\/kvm|may not be opened/);
  });
});

describe('the accelerator that was asked for', () => {
  it("'hardware' is an error where there is none", async () => {
    const memory = memoryIn(scratch());
    await expect(
      wantedAcceleration({ arch: OTHER, accelerator: 'hardware' }, await tools(OTHER, memory), memory),
    ).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_HOST',
      message: expect.stringMatching(/^accelerator: 'hardware' .*can only be emulated/),
    });
  });

  it("'emulation' asks nobody", async () => {
    const memory = memoryIn(scratch());
    const with_ = { ...(await tools(HOST, memory)), qemu: { name: 'qemu', path: '/bin/false', version: '10' } };
    expect(await wantedAcceleration({ arch: HOST, accelerator: 'emulation' }, with_, memory)).toEqual({
      name: 'tcg',
      note: 'emulation was asked for',
    });
  });
});
