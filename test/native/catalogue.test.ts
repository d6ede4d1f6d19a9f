// Each row of the device catalogue reaches the framework's object with the right value: read back from what the look-alike wrote
// down of the configuration that it was given.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { VzConfig } from '../../src/driver/vz/config.ts';
import { config, nobody, script, vz } from './machine.ts';

const directory = mkdtempSync('/tmp/vzn-');
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, name);
writeFileSync(file('disk'), '');
truncateSync(file('disk'), 1024 * 1024);
mkdirSync(file('shared'));

const { kernel } = config().boot as { kernel: string };
const image = { kind: 'image', path: file('disk'), readOnly: false } as const;
const frozen = { kind: 'image', path: file('disk'), readOnly: true } as const;
const diskImage = { class: 'VZDiskImageStorageDeviceAttachment', URL: file('disk') };
const uuid = '01234567-89AB-CDEF-0123-456789ABCDEF';
const shared = (readOnly: boolean): { path: string; readOnly: boolean } => ({ path: file('shared'), readOnly });
const vmnet = {
  kind: 'vmnet',
  mode: 'host',
  subnet: '192.168.77.0/24',
  dhcp: false,
  forwards: [{ protocol: 'udp', hostPort: 5353, guestPort: 53, guestAddress: '192.168.77.2' }],
} as const;

/** What is configured, and what the framework's configuration holds then. */
const ROWS: [name: string, changes: Partial<VzConfig>, holds: object][] = [
  ['CPUs and memory', { cpus: 2, memory: 768 * 1024 * 1024 }, { CPUCount: 2, memorySize: 768 * 1024 * 1024 }],
  [
    'direct boot',
    { boot: { kind: 'linux', kernel, initrd: null, cmdline: 'console=hvc0 a="ü b"' } },
    {
      bootLoader: {
        class: 'VZLinuxBootLoader',
        kernelURL: kernel,
        initialRamdiskURL: null,
        commandLine: 'console=hvc0 a="ü b"',
      },
    },
  ],
  [
    'EFI with a new variable store',
    { boot: { kind: 'efi', variableStore: { path: file('nvram'), create: true } } },
    { bootLoader: { class: 'VZEFIBootLoader', variableStore: { class: 'VZEFIVariableStore', URL: file('nvram') } } },
  ],
  [
    'nested virtualization',
    { platform: { machineIdentifier: null, nestedVirtualization: true } },
    { platform: { class: 'VZGenericPlatformConfiguration', nestedVirtualizationEnabled: true } },
  ],
  [
    'a virtio disk: cached, with fsync, never automatic',
    { storage: [{ device: 'virtio', id: 'work', attachment: image }] },
    {
      storageDevices: [
        {
          class: 'VZVirtioBlockDeviceConfiguration',
          blockDeviceIdentifier: 'work',
          attachment: { ...diskImage, readOnly: false, cachingMode: 2, synchronizationMode: 2 },
        },
      ],
    },
  ],
  [
    'NVMe and USB disks, read-only',
    {
      storage: [
        { device: 'nvme', attachment: frozen },
        { device: 'usb', attachment: frozen },
      ],
    },
    {
      storageDevices: [
        { class: 'VZNVMExpressControllerDeviceConfiguration', attachment: { ...diskImage, readOnly: true } },
        { class: 'VZUSBMassStorageDeviceConfiguration', attachment: { ...diskImage, readOnly: true } },
      ],
    },
  ],
  [
    'a network block device',
    {
      storage: [
        {
          device: 'virtio',
          id: null,
          attachment: {
            kind: 'nbd',
            url: 'nbd+unix:///disk?socket=/tmp/nbd.sock',
            timeout: 1500,
            readOnly: true,
            sync: 'none',
          },
        },
      ],
    },
    {
      storageDevices: [
        {
          attachment: {
            class: 'VZNetworkBlockDeviceStorageDeviceAttachment',
            URL: 'nbd+unix:///disk?socket=/tmp/nbd.sock',
            timeout: 1.5,
            forcedReadOnly: true,
            synchronizationMode: 1,
          },
        },
      ],
    },
  ],
  [
    'NAT with a MAC address, and one that macOS makes',
    {
      network: [
        { mac: '02:aa:bb:cc:dd:ee', attachment: { kind: 'nat' } },
        { mac: null, attachment: { kind: 'nat' } },
      ],
    },
    {
      networkDevices: [
        {
          class: 'VZVirtioNetworkDeviceConfiguration',
          MACAddress: { string: '02:aa:bb:cc:dd:ee' },
          attachment: { class: 'VZNATNetworkDeviceAttachment' },
        },
        { MACAddress: { string: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/) } },
      ],
    },
  ],
  [
    'vmnet',
    { network: [{ mac: null, attachment: vmnet }] },
    { networkDevices: [{ attachment: { class: 'VZVmnetNetworkDeviceAttachment' } }] },
  ],
  [
    'a shared directory',
    { shares: [{ tag: 'work', share: { kind: 'single', directory: shared(false) } }] },
    {
      directorySharingDevices: [
        {
          class: 'VZVirtioFileSystemDeviceConfiguration',
          tag: 'work',
          share: { class: 'VZSingleDirectoryShare', directory: { URL: file('shared'), readOnly: false } },
        },
      ],
    },
  ],
  [
    'several shared directories',
    { shares: [{ tag: 'many', share: { kind: 'multiple', directories: { ä: shared(true), b: shared(false) } } }] },
    {
      directorySharingDevices: [
        {
          share: { class: 'VZMultipleDirectoryShare', directories: { ä: { readOnly: true }, b: { readOnly: false } } },
        },
      ],
    },
  ],
  [
    'Rosetta, each way of caching',
    {
      shares: [
        { tag: 'r0', share: { kind: 'rosetta', caching: null } },
        { tag: 'r1', share: { kind: 'rosetta', caching: { kind: 'unix', name: null } } },
        { tag: 'r2', share: { kind: 'rosetta', caching: { kind: 'unix', name: '/run/r.sock' } } },
        { tag: 'r3', share: { kind: 'rosetta', caching: { kind: 'abstract', name: 'rosetta' } } },
      ],
    },
    {
      directorySharingDevices: [
        { share: { class: 'VZLinuxRosettaDirectoryShare', options: null } },
        { share: { options: { class: 'VZLinuxRosettaUnixSocketCachingOptions' } } },
        { share: { options: { path: '/run/r.sock' } } },
        { share: { options: { class: 'VZLinuxRosettaAbstractSocketCachingOptions', name: 'rosetta' } } },
      ],
    },
  ],
  ['vsock', { vsock: true }, { socketDevices: [{ class: 'VZVirtioSocketDeviceConfiguration' }] }],
  ['no vsock, no entropy', { vsock: false, entropy: false }, { socketDevices: [], entropyDevices: [] }],
  [
    'serial ports: nothing, a file',
    { serial: [{ kind: 'none' }, { kind: 'file', path: file('log'), append: true }] },
    {
      serialPorts: [
        { class: 'VZVirtioConsoleDeviceSerialPortConfiguration', attachment: null },
        { attachment: { class: 'VZFileSerialPortAttachment', URL: file('log'), append: true } },
      ],
    },
  ],
  [
    'named ports, a resizable console and the Spice agent',
    {
      consoles: [
        {
          maxPorts: 8,
          ports: [
            { name: 'dev.vzshell.port', isConsole: false, attachment: { kind: 'none' } },
            { name: null, isConsole: true, attachment: { kind: 'file', path: file('console'), append: false } },
            { name: null, isConsole: false, attachment: { kind: 'spice', sharesClipboard: true } },
          ],
        },
      ],
    },
    {
      consoleDevices: [
        {
          class: 'VZVirtioConsoleDeviceConfiguration',
          ports: {
            maximumPortCount: 8,
            ports: {
              0: { name: 'dev.vzshell.port', isConsole: false },
              1: { isConsole: true, attachment: { URL: file('console'), append: false } },
              2: {
                name: 'com.redhat.spice.0',
                attachment: { class: 'VZSpiceAgentPortAttachment', sharesClipboard: true },
              },
            },
          },
        },
      ],
    },
  ],
  [
    'entropy and a balloon',
    { entropy: true, balloon: true },
    {
      entropyDevices: [{ class: 'VZVirtioEntropyDeviceConfiguration' }],
      memoryBalloonDevices: [{ class: 'VZVirtioTraditionalMemoryBalloonDeviceConfiguration' }],
    },
  ],
  [
    'a display, a keyboard and a pointer',
    { graphics: [{ scanouts: [{ width: 1280, height: 800 }] }], keyboard: true, pointer: true },
    {
      graphicsDevices: [
        { class: 'VZVirtioGraphicsDeviceConfiguration', scanouts: [{ widthInPixels: 1280, heightInPixels: 800 }] },
      ],
      keyboards: [{ class: 'VZUSBKeyboardConfiguration' }],
      pointingDevices: [{ class: 'VZUSBScreenCoordinatePointingDeviceConfiguration' }],
    },
  ],
  [
    'sound, from the host and silent',
    {
      sound: [
        {
          streams: [
            { direction: 'input', host: true },
            { direction: 'input', host: false },
            { direction: 'output', host: true },
            { direction: 'output', host: false },
          ],
        },
      ],
    },
    {
      audioDevices: [
        {
          class: 'VZVirtioSoundDeviceConfiguration',
          streams: [
            { class: 'VZVirtioSoundDeviceInputStreamConfiguration', source: { class: 'VZHostAudioInputStreamSource' } },
            { source: null },
            { class: 'VZVirtioSoundDeviceOutputStreamConfiguration', sink: { class: 'VZHostAudioOutputStreamSink' } },
            { sink: null },
          ],
        },
      ],
    },
  ],
  [
    'a USB controller with a disk',
    { usb: [{ devices: [{ uuid, attachment: frozen }] }, { devices: [] }] },
    {
      usbControllers: [
        {
          class: 'VZXHCIControllerConfiguration',
          usbDevices: [
            {
              class: 'VZUSBMassStorageDeviceConfiguration',
              attachment: diskImage,
              uuid: expect.stringMatching(new RegExp(uuid, 'i')),
            },
          ],
        },
        { usbDevices: [] },
      ],
    },
  ],
];

/** What the framework holds of a machine that was made in a process of its own. */
async function made(
  changes: Partial<VzConfig>,
  more = '',
  env: Readonly<Record<string, string>> = {},
): Promise<object> {
  const notes = mkdtempSync(join(directory, 'notes-'));
  const body = `${more} const machine = new vz.Machine(config({ ...${JSON.stringify(changes)}, ...globalThis.more }), () => {}); await machine.close();`;
  const { status, stderr } = await script(body, { VZ_LOOKALIKE_DIR: notes, ...env }).ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [name] = readdirSync(notes);
  return JSON.parse(readFileSync(join(notes, String(name)), 'utf8'));
}

describe('reaches the framework', () => {
  it.each(ROWS)('%s', async (_name, changes, holds) => {
    expect(await made(changes)).toMatchObject(holds);
  });

  it('a file-handle network: a duplicate, its buffers and its MTU', async () => {
    // A datagram socket is nothing that Node makes: here it comes from the shell that starts the process.
    const pair =
      'import socket,os,sys;a,b=socket.socketpair(socket.AF_UNIX,socket.SOCK_DGRAM);os.dup2(a.fileno(),5);os.dup2(b.fileno(),6);os.execv(sys.argv[1],sys.argv[1:])';
    const { execFileSync } = await import('node:child_process');
    const notes = mkdtempSync(join(directory, 'notes-'));
    const code = `
      const vz = require(process.argv[1]);
      const machine = new vz.Machine({ ...JSON.parse(process.argv[2]), network: [{ mac: null, attachment: { kind: 'file', fd: 5, mtu: 9000 } }] }, () => {});
      require('fs').fstatSync(5); machine.close();`;
    const addon = process.env['VZSHELL_VZ_ADDON'] as string;
    execFileSync('python3', ['-c', pair, process.execPath, '-e', code, addon, JSON.stringify(config())], {
      env: { ...process.env, VZ_LOOKALIKE_DIR: notes },
    });
    const [name] = readdirSync(notes);
    expect(JSON.parse(readFileSync(join(notes, String(name)), 'utf8'))).toMatchObject({
      networkDevices: [{ attachment: { class: 'VZFileHandleNetworkDeviceAttachment', maximumTransmissionUnit: 9000 } }],
    });
  });

  it('a console on handles: duplicates, so that ours may be closed', async () => {
    const more = `const p = vz.pipe(); globalThis.more = { serial: [{ kind: 'handles', input: p.read, output: null }, { kind: 'handles', input: null, output: p.write }] };
      process.nextTick(() => { require('fs').closeSync(p.read); require('fs').closeSync(p.write); });`;
    expect(await made({}, more)).toMatchObject({
      serialPorts: [
        { attachment: { class: 'VZFileHandleSerialPortAttachment', fileHandleForWriting: null } },
        { attachment: { class: 'VZFileHandleSerialPortAttachment', fileHandleForReading: null } },
      ],
    });
  });

  it('a bridged network, with its entitlement', async () => {
    const network = [{ mac: null, attachment: { kind: 'bridged', interface: 'en0' } }] as const;
    const held = await made({ network }, '', { VZ_LOOKALIKE_FAULT: 'bridged-entitlement' });
    expect(held).toMatchObject({
      networkDevices: [{ attachment: { class: 'VZBridgedNetworkDeviceAttachment', interface: { identifier: 'en0' } } }],
    });
  });
});

it('the identity of one run is the identity of the next', async () => {
  const network = [{ mac: null, attachment: { kind: 'nat' } }] as const;
  const first = new vz.Machine(config({ network }), nobody);
  const { machineIdentifier, macs } = first.identity();
  expect(macs).toHaveLength(1);
  const again = config({
    network: [{ mac: String(macs[0]), attachment: { kind: 'nat' } }],
    platform: { machineIdentifier, nestedVirtualization: false },
  });
  const second = new vz.Machine(again, nobody);
  const other = new vz.Machine(config({ network }), nobody);
  expect(second.identity()).toEqual({ machineIdentifier, macs });
  expect(other.identity().machineIdentifier).not.toBe(machineIdentifier);
  await Promise.all([first.close(), second.close(), other.close()]);
});
