import { expect, it } from 'vitest';
import { vzConfig } from '../../../../src/driver/vz/translate.ts';
import { scratch, validSpec } from '../scratch.ts';

const fresh = { machineIdentifier: null, macs: [] };

it('gives the guest what every driver gives it: disks by serial, shares by tag, hvc0, vsock, entropy', () => {
  const spec = validSpec(scratch(), { network: 'nat' });
  expect(vzConfig(spec, fresh, 7)).toEqual({
    cpus: 1,
    memory: spec.memory,
    boot: { kind: 'linux', kernel: spec.kernel, initrd: spec.initrd, cmdline: 'console=hvc0' },
    platform: { machineIdentifier: null, nestedVirtualization: false },
    storage: [
      { device: 'virtio', id: 'nix', attachment: { kind: 'image', path: spec.disks[0]?.path, readOnly: false } },
    ],
    network: [{ mac: null, attachment: { kind: 'nat' } }],
    shares: [{ tag: 's0', share: { kind: 'single', directory: { path: spec.runDir, readOnly: false } } }],
    vsock: true,
    serial: [{ kind: 'handles', input: null, output: 7 }],
    consoles: [],
    entropy: true,
    balloon: false,
    graphics: [],
    keyboard: false,
    pointer: false,
    sound: [],
    usb: [],
  });
});

it('puts further devices behind the machine’s own, and keeps each MAC address with its device', () => {
  const spec = validSpec(scratch(), {
    network: 'nat',
    devices: {
      network: [{ mac: '02:00:00:00:00:09', attachment: { kind: 'file', fd: 5, mtu: 1500 } }],
      storage: [{ device: 'nvme', attachment: { kind: 'image', path: '/d', readOnly: true } }],
      graphics: { scanouts: [{ width: 800, height: 600 }] },
      usb: { devices: [] },
    },
  });
  const config = vzConfig(spec, { machineIdentifier: 'aWQ=', macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] }, 7);
  expect(config.network.map(({ mac }) => mac)).toEqual(['02:00:00:00:00:01', '02:00:00:00:00:09']);
  expect(config.platform.machineIdentifier).toBe('aWQ=');
  expect(config.storage.map(({ device }) => device)).toEqual(['virtio', 'nvme']);
  expect(config.graphics).toHaveLength(1);
  expect(config.usb).toEqual([{ devices: [] }]);
});
