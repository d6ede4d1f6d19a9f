// What this macOS, this Mac or this executable lacks is an error that says so, and is told before by `capabilities`.

import { describe, expect, it } from 'vitest';
import { script, vz } from './machine.ts';

/** Needs macOS 14, 15 and 26: what the configuration holds, the option and the feature. */
const NEWER: [version: string, changes: string, option: string, feature: string][] = [
  ['14', `storage: [{ device: 'nvme', attachment: image }]`, 'storage[0]', 'nvme'],
  [
    '14',
    `storage: [{ device: 'virtio', id: null, attachment: { kind: 'block', path: '/dev/null', readOnly: true, sync: 'full' } }]`,
    'storage[0].attachment',
    'block-device',
  ],
  [
    '14',
    `storage: [{ device: 'virtio', id: null, attachment: { kind: 'nbd', url: 'nbd://h/x', timeout: 1, readOnly: true, sync: 'full' } }]`,
    'storage[0].attachment',
    'nbd',
  ],
  [
    '14',
    `shares: [{ tag: 'r', share: { kind: 'rosetta', caching: { kind: 'unix', name: null } } }]`,
    'shares[0].share.caching',
    'rosetta-caching',
  ],
  [
    '15',
    `platform: { machineIdentifier: null, nestedVirtualization: true }`,
    'platform.nestedVirtualization',
    'nested-virtualization',
  ],
  ['15', `usb: [{ devices: [] }]`, 'usb', 'usb-hotplug'],
  [
    '26',
    `network: [{ mac: null, attachment: { kind: 'vmnet', mode: 'shared', subnet: null, dhcp: true, forwards: [] } }]`,
    'network[0].attachment',
    'vmnet',
  ],
];
const BEFORE: Record<string, string> = { 14: '13.7', 15: '14.7.1', 26: '15.6' };

const TELL = `
  const image = { kind: 'image', path: config().storage[0].attachment.path, readOnly: true };
  const tell = (error) => console.log(JSON.stringify({ kind: error.kind, option: error.option, needs: error.needs, message: error.message }));
  const ended = async (call) => { try { await call(); console.log('null'); } catch (error) { tell(error); } };
`;

async function run(body: string, env: Readonly<Record<string, string>>): Promise<unknown[]> {
  const { stdout, stderr, status } = await script(TELL + body, env).ended;
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('an older macOS', () => {
  it.each(NEWER)('before %s refuses { %s }', async (version, changes, option, feature) => {
    const body = `
      await ended(() => new vz.Machine(config({ ${changes} }), () => {}));
      console.log(JSON.stringify(vz.capabilities().features.find(({ name }) => name === '${feature}')));
    `;
    const [error, told] = await run(body, { VZ_LOOKALIKE_MACOS: BEFORE[version] as string });
    expect(error).toMatchObject({ kind: 'unsupported', option, needs: `macOS ${version}` });
    expect(told).toEqual({ name: feature, available: false, why: `needs macOS ${version}` });
    // And the first that has it says neither.
    const [later, has] = await run(body, { VZ_LOOKALIKE_MACOS: `${version}.0` });
    if (feature !== 'block-device') expect(later).toBeNull();
    expect(has).toEqual({ name: feature, available: true, why: null });
  });

  it('before 14 cannot save or restore, nor before 15 attach USB devices', async () => {
    const body = `
      const machine = new vz.Machine(config(), () => {});
      await ended(() => machine.validateSaveRestore());
      await ended(() => machine.restore('/tmp/x'));
      await ended(() => machine.attachUsb(0, { uuid: null, attachment: image }));
      await machine.close();
      console.log(JSON.stringify(vz.capabilities().macos));
    `;
    expect(await run(body, { VZ_LOOKALIKE_MACOS: '13.5' })).toEqual([
      expect.objectContaining({ kind: 'unsupported', needs: 'macOS 14' }),
      expect.objectContaining({ kind: 'unsupported', needs: 'macOS 14' }),
      expect.objectContaining({ kind: 'unsupported', needs: 'macOS 15' }),
      '13.5',
    ]);
  });
});

describe('a host that cannot', () => {
  const machine = 'await ended(() => new vz.Machine(config(), () => {}));';
  const rosetta = `await ended(() => new vz.Machine(config({ shares: [{ tag: 'r', share: { kind: 'rosetta', caching: null } }] }), () => {}));`;
  it.each([
    ['unsupported', machine, { kind: 'unsupported', needs: expect.stringMatching(/a Mac that can run/) }],
    ['no-entitlement', machine, { kind: 'unsupported', needs: 'the entitlement com.apple.security.virtualization' }],
    [
      'no-nested',
      `await ended(() => new vz.Machine(config({ platform: { machineIdentifier: null, nestedVirtualization: true } }), () => {}));`,
      { needs: 'an M3 chip or newer' },
    ],
    ['rosetta=not-supported', rosetta, { kind: 'unsupported', needs: expect.stringMatching(/Apple silicon/) }],
    [
      'rosetta=not-installed',
      rosetta,
      { kind: 'unsupported', needs: expect.stringMatching(/softwareupdate --install-rosetta/) },
    ],
  ] as const)('%s', async (fault, body, error) => {
    expect(await run(body, { VZ_LOOKALIKE_FAULT: fault })).toEqual([expect.objectContaining(error)]);
  });

  it('says so in its capabilities', async () => {
    const body = `const { supported, entitled, rosetta, features } = vz.capabilities();
      console.log(JSON.stringify({ supported, entitled, rosetta, nested: features.find(({ name }) => name === 'nested-virtualization').why }));`;
    const env = { VZ_LOOKALIKE_FAULT: 'unsupported,no-entitlement,no-nested,rosetta=not-installed' };
    expect(await run(body, env)).toEqual([
      { supported: false, entitled: false, rosetta: 'not-installed', nested: expect.stringMatching(/M3/) },
    ]);
  });

  it('installs Rosetta, or says that the user refused', async () => {
    const body = 'await ended(() => vz.installRosetta());';
    expect(await run(body, { VZ_LOOKALIKE_FAULT: 'rosetta=not-installed' })).toEqual([null]);
    const [refused] = await run(body, { VZ_LOOKALIKE_FAULT: 'rosetta=not-installed,rosetta-refused' });
    expect(refused).toMatchObject({ kind: 'framework' });
  });

  it('is told why the framework refuses a configuration', async () => {
    const [error] = await run(machine, { VZ_LOOKALIKE_FAULT: 'validation-fails' });
    expect(error).toMatchObject({ kind: 'framework' });
  });

  it('bridges for root or with the entitlement only', async () => {
    const body = `
      const store = require('fs').mkdtempSync('/tmp/vzn-') + '/nvram';
      require('fs').chmodSync(require('path').dirname(store), 0o777);
      if (process.geteuid() === 0) process.seteuid(65534);
      const efi = { kind: 'efi', variableStore: { path: store, create: true } };
      const network = [{ mac: null, attachment: { kind: 'bridged', interface: 'en0' } }];
      await ended(() => new vz.Machine(config({ boot: efi, storage: [], network }), () => {}));
      if (process.getuid() === 0) process.seteuid(0);
      require('fs').rmSync(require('path').dirname(store), { recursive: true });
    `;
    expect(await run(body, {})).toEqual([
      expect.objectContaining({
        kind: 'unsupported',
        option: 'network[0].attachment',
        needs: expect.stringMatching(/com.apple.vm.networking/),
      }),
    ]);
  });
});

it('this one tells its version, processor, limits and interfaces', () => {
  const found = vz.capabilities();
  expect(found).toMatchObject({
    macos: '26.0',
    arch: 'arm64',
    supported: true,
    entitled: true,
    bridgedEntitled: false,
    rosetta: 'installed',
  });
  expect(found.limits.minCpus).toBeGreaterThan(0);
  expect(found.limits.maxCpus).toBeGreaterThanOrEqual(found.limits.minCpus);
  expect(found.limits.maxMemory).toBeGreaterThan(found.limits.minMemory);
  expect(found.bridgedInterfaces).toContainEqual({ identifier: 'en0', name: 'Wi-Fi' });
  expect(new Set(found.features.map(({ name }) => name)).size).toBe(23);
});
