import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { MachineDevices } from '../../../src/driver/devices.ts';
import { checkDevices } from '../../../src/driver/devices-schema.ts';
import { failure, scratch } from './scratch.ts';

const none = { ids: [], tags: [] };
const image = (path: string): { kind: 'image'; path: string; readOnly: boolean } => ({
  kind: 'image',
  path,
  readOnly: false,
});

function disk(): string {
  const path = join(scratch(), 'disk.img');
  writeFileSync(path, '');
  truncateSync(path, 1024 * 1024);
  return path;
}

it('takes the whole catalogue', () => {
  const path = disk();
  const devices: MachineDevices = {
    boot: { kind: 'efi', variableStore: { path: '/tmp/store', create: true } },
    nestedVirtualization: true,
    storage: [
      { device: 'virtio', id: 'data', attachment: image(path) },
      { device: 'nvme', attachment: { kind: 'block', path: '/dev/rdisk4', readOnly: true, sync: 'full' } },
      {
        device: 'usb',
        attachment: { kind: 'nbd', url: 'nbd://localhost/x', timeout: 5000, readOnly: false, sync: 'none' },
      },
    ],
    network: [
      { mac: '02:00:00:00:00:01', attachment: { kind: 'nat' } },
      { mac: null, attachment: { kind: 'file', fd: 5, mtu: 9000 } },
      { mac: null, attachment: { kind: 'bridged', interface: 'en0' } },
      {
        mac: null,
        attachment: {
          kind: 'vmnet',
          mode: 'shared',
          subnet: '192.168.77.0/24',
          dhcp: true,
          forwards: [{ protocol: 'tcp', hostPort: 8080, guestPort: 80, guestAddress: '192.168.77.2' }],
        },
      },
    ],
    shares: [
      { tag: 'one', share: { kind: 'single', directory: { path: '/tmp', readOnly: true } } },
      { tag: 'many', share: { kind: 'multiple', directories: { a: { path: '/tmp', readOnly: true } } } },
      { tag: 'rosetta', share: { kind: 'rosetta', caching: { kind: 'unix', name: null } } },
    ],
    serial: [{ kind: 'none' }, { kind: 'file', path: '/tmp/log', append: true }],
    consoles: [
      {
        maxPorts: 2,
        ports: [{ name: 'clip', isConsole: false, attachment: { kind: 'spice', sharesClipboard: true } }],
      },
    ],
    balloon: true,
    graphics: { scanouts: [{ width: 1280, height: 800 }] },
    keyboard: true,
    pointer: true,
    sound: [{ streams: [{ direction: 'output', host: false }] }],
    usb: { devices: [{ uuid: null, attachment: image(path) }] },
  };
  expect(() => checkDevices(devices, none)).not.toThrow();
  expect(() => checkDevices({}, none)).not.toThrow();
});

const virtio = (id: string): MachineDevices => ({
  storage: [{ device: 'virtio', id, attachment: { kind: 'block', path: '/dev/x', readOnly: true, sync: 'full' } }],
});
const tag = (name: string): MachineDevices => ({
  shares: [{ tag: name, share: { kind: 'single', directory: { path: '/tmp', readOnly: true } } }],
});
const network = (attachment: unknown, mac: string | null = null): unknown => ({ network: [{ mac, attachment }] });

it.each([
  ['an unknown device', { floppy: true }, 'devices.floppy', /floppy/],
  ['an unknown key', { graphics: { scanouts: [], monitor: 1 } }, 'devices.graphics.monitor', /monitor/],
  ['a wrong type', { balloon: 'yes' }, 'devices.balloon', /boolean/],
  ['an unknown kind', { storage: [{ device: 'scsi' }] }, 'devices.storage[0].device', /scsi/],
  ['a serial of 21 bytes', virtio('a'.repeat(21)), 'devices.storage[0].id', /1 to 20 characters of ASCII/],
  ['a serial that is not ASCII', virtio('ü'), 'devices.storage[0].id', /ASCII/],
  ['an empty tag', tag(''), 'devices.shares[0].tag', /1 to 35 bytes/],
  ['a tag of 36 bytes', tag('ü'.repeat(18)), 'devices.shares[0].tag', /1 to 35 bytes/],
  ['a tag of the machine’s own', tag('s0'), 'devices.shares[0].tag', /'s0' is used twice/],
  ['a serial of the machine’s own', virtio('nix'), 'devices.storage[0].id', /'nix' is used twice/],
  ['an MTU of 1499', network({ kind: 'file', fd: 3, mtu: 1499 }), 'devices.network[0].attachment.mtu', /1500 to 65535/],
  [
    'a negative descriptor',
    network({ kind: 'file', fd: -1, mtu: 1500 }),
    'devices.network[0].attachment.fd',
    /descriptor/,
  ],
  ['a multicast MAC', network({ kind: 'nat' }, '01:00:5e:00:00:01'), 'devices.network[0].mac', /one device/],
  ['no MAC at all', network({ kind: 'nat' }, '02:00'), 'devices.network[0].mac', /six hex bytes/],
  [
    'two scanouts',
    {
      graphics: {
        scanouts: [
          { width: 1, height: 1 },
          { width: 1, height: 1 },
        ],
      },
    },
    'devices.graphics.scanouts',
    /at most one/,
  ],
  [
    'a directory name with a slash',
    { shares: [{ tag: 'm', share: { kind: 'multiple', directories: { 'a/b': { path: '/tmp', readOnly: true } } } }] },
    'devices.shares[0].share.directories.a/b',
    /without \//,
  ],
  ['a relative path', { serial: [{ kind: 'file', path: 'log', append: false }] }, 'devices.serial[0].path', /absolute/],
  [
    'an NBD URL of another kind',
    {
      storage: [
        { device: 'nvme', attachment: { kind: 'nbd', url: 'http://x', timeout: 1, readOnly: true, sync: 'full' } },
      ],
    },
    'devices.storage[0].attachment.url',
    /nbd:/,
  ],
])('refuses %s, by the path of the option', (_, devices, option, message) => {
  const error = failure(() => checkDevices(devices as MachineDevices, { ids: ['nix'], tags: ['s0'] }));
  expect(error.code).toBe('ERR_INVALID_OPTION');
  expect(error.message.startsWith(`${option}: `), error.message).toBe(true);
  expect(error.message).toMatch(message);
});

it('looks at disk images: sectors, qcow2, and whether they are there', () => {
  const path = disk();
  truncateSync(path, 1000);
  const message = (at: string): string =>
    failure(() => checkDevices({ storage: [{ device: 'nvme', attachment: image(at) }] }, none)).message;
  expect(message(path)).toMatch(/^devices\.storage\[0\]\.attachment\.path: a disk is a multiple of 512 bytes/);
  expect(message('/nowhere/disk')).toMatch(/does not exist/);
  writeFileSync(path, Buffer.concat([Buffer.from([0x51, 0x46, 0x49, 0xfb]), Buffer.alloc(508)]));
  expect(message(path)).toMatch(/qcow2/);
});
