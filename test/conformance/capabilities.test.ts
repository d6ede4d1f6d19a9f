// What a driver says of itself must be true: what it offers works, what it does not offer is refused by name, never ignored.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentClient } from '../../src/agent/client.ts';
import type { MachineDevices } from '../../src/driver/devices.ts';
import type { FeatureName } from '../../src/driver/features.ts';
import { countCases, DRIVERS } from './drivers.ts';
import { Guest, machineSpec } from './machine.ts';

/** For each feature of the catalogue a way to ask for it. */
const ASKED: Readonly<Partial<Record<FeatureName, MachineDevices>>> = {
  'boot-efi': { boot: { kind: 'efi', variableStore: { path: '/nowhere/store', create: false } } },
  nvme: { storage: [{ device: 'nvme', attachment: { kind: 'image', path: '/nowhere/disk', readOnly: true } }] },
  bridged: { network: [{ mac: null, attachment: { kind: 'bridged', interface: 'en99' } }] },
  'console-ports': {
    consoles: [{ maxPorts: null, ports: [{ name: 'x', isConsole: false, attachment: { kind: 'none' } }] }],
  },
  graphics: { graphics: { scanouts: [{ width: 640, height: 480 }] } },
  sound: { sound: [{ streams: [{ direction: 'output', host: false }] }] },
  'usb-hotplug': { usb: { devices: [] } },
  'nested-virtualization': { nestedVirtualization: true },
};

describe.each(DRIVERS)('$name', (candidate) => {
  countCases(candidate);
  const { driver, arch } = candidate;

  it('probes: usable here, each feature once, each refusal with its reason', async () => {
    const probe = await driver.probe(arch);
    expect(probe).toMatchObject({ driver: driver.name, arch, usable: true, missing: [] });
    const names = probe.features.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['boot-linux', 'virtio-block', 'virtiofs', 'vsock', 'pause']));
    for (const { name, available, why } of probe.features) {
      expect(why === null, `${name}: ${why}`).toBe(available);
    }
  });

  it.each(Object.entries(ASKED))('refuses %s, by name, unless it offers it', async (feature, devices) => {
    const { features } = await driver.probe(arch);
    const offered = features.find(({ name }) => name === feature)?.available === true;
    const runDir = mkdtempSync('/tmp/vzc-');
    onTestFinished(() => rmSync(runDir, { recursive: true, force: true }));
    const spec = machineSpec(candidate, { runDir, devices });
    const outcome = await driver.start(spec).catch((error: unknown) => error as { code: string; message: string });
    if (!offered) expect(outcome).toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringMatching(/: .{10}/) });
    if ('stop' in outcome) await outcome.stop();
  });

  it('saves a machine and goes on with it where it says so, and refuses where not', async () => {
    const { features } = await driver.probe(arch);
    const runDir = mkdtempSync('/tmp/vzc-');
    onTestFinished(() => rmSync(runDir, { recursive: true, force: true }));
    const saved = join(runDir, 'saved');
    const spec = machineSpec(candidate, { runDir });
    {
      await using guest = await Guest.boot(candidate, { runDir }, { keep: true });
      await guest.machine.pause();
      if (features.find(({ name }) => name === 'save-restore')?.available !== true) {
        await expect(guest.machine.save(saved)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
        await expect(driver.start({ ...spec, restoreFrom: saved })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
        return;
      }
      await guest.machine.save(saved);
    }
    const machine = await driver.start({ ...spec, restoreFrom: saved });
    onTestFinished(async () => void (await machine.stop()));
    expect((await new AgentClient(spec.vsockPath).hello()).configured).toBe(false);
  });
});
