// Every wrong option is an error that names its path, and the process lives.

import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { config, failure, nobody, vz } from './machine.ts';

const directory = mkdtempSync('/tmp/vzn-');
const file = (name: string): string => join(directory, name);
const made: { close(): Promise<void> }[] = [];

beforeAll(() => {
  const kernel = Buffer.alloc(4096);
  writeFileSync(file('disk'), '');
  truncateSync(file('disk'), 1024 * 1024);
  writeFileSync(file('odd'), Buffer.alloc(513));
  writeFileSync(file('empty'), '');
  writeFileSync(file('qcow2'), Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(508)]));
  writeFileSync(file('zboot'), Buffer.concat([Buffer.from('MZ\0\0zimg'), kernel]));
  writeFileSync(file('gzip'), Buffer.concat([Buffer.from([0x1f, 0x8b]), kernel]));
  kernel.write('HdrS', 0x202);
  writeFileSync(file('bzImage'), kernel);
  writeFileSync(file('noise'), 'no kernel at all');
  symlinkSync(directory, file('directory'));
});
afterAll(async () => {
  await Promise.all(made.map((machine) => machine.close()));
  rmSync(directory, { recursive: true, force: true });
});

const image = (path: string, readOnly = true): unknown => ({ kind: 'image', path: file(path), readOnly });
const virtio = (id: unknown, attachment: unknown): unknown => ({ device: 'virtio', id, attachment });
const share = (tag: unknown, path = directory): unknown => ({
  tag,
  share: { kind: 'single', directory: { path, readOnly: true } },
});
const nbd = (changes: object): unknown =>
  virtio(null, { kind: 'nbd', url: 'nbd://localhost/x', timeout: 1000, readOnly: true, sync: 'full', ...changes });
const nat = { kind: 'nat' };
const linux = (kernel: string, changes: object = {}): unknown => ({
  kind: 'linux',
  kernel: file(kernel),
  initrd: null,
  cmdline: '',
  ...changes,
});
const vmnet = (changes: object): unknown => ({
  network: [
    { mac: null, attachment: { kind: 'vmnet', mode: 'shared', subnet: null, dhcp: true, forwards: [], ...changes } },
  ],
});
const forward = (changes: object): unknown =>
  vmnet({ forwards: [{ protocol: 'tcp', hostPort: 80, guestPort: 80, guestAddress: '192.168.77.2', ...changes }] });
const port = (changes: object): unknown => ({ name: 'p', isConsole: false, attachment: { kind: 'none' }, ...changes });

/** What is changed, the option that the error names, and a part of its words. */
const ROWS: [name: string, changes: object, option: string, words: RegExp][] = [
  ['an unknown key', { gpu: true }, 'gpu', /there is no such option/],
  [
    'an unknown key further in',
    { platform: { machineIdentifier: null, nestedVirtualization: false, tpm: 1 } },
    'platform.tpm',
    /no such option/,
  ],
  ['a missing value', { entropy: undefined }, 'entropy', /expected true or false, got nothing/],
  ['no CPU', { cpus: 0 }, 'cpus', /from 1 to 1024, got 0 \(number\)/],
  ['half a CPU', { cpus: 1.5 }, 'cpus', /got 1.5/],
  ['CPUs as text', { cpus: '2' }, 'cpus', /got '2'/],
  ['more CPUs than the Mac has', { cpus: 1000 }, 'cpus', /this Mac takes 1 to \d+ CPUs, got 1000/],
  ['NaN memory', { memory: NaN }, 'memory', /got NaN/],
  ['infinite memory', { memory: Infinity }, 'memory', /got Infinity/],
  ['negative memory', { memory: -1 }, 'memory', /got -1/],
  ['memory as a bigint', { memory: 1n << 29n }, 'memory', /got a bigint/],
  ['memory off by a byte', { memory: 512 * 1024 * 1024 + 1 }, 'memory', /multiple of 1 MiB/],
  ['too little memory', { memory: 1024 * 1024 }, 'memory', /this Mac takes \d+ to \d+ bytes/],
  ['too much memory', { memory: 2 ** 46 }, 'memory', /this Mac takes/],
  ['an unknown boot', { boot: { kind: 'bios' } }, 'boot.kind', /expected 'linux' or 'efi', got 'bios'/],
  ['keys of another boot', { boot: linux('disk', { variableStore: null }) }, 'boot.variableStore', /no such option/],
  ['a relative kernel', { boot: linux('disk', { kernel: 'vmlinuz' }) }, 'boot.kernel', /absolute path, got 'vmlinuz'/],
  ['a kernel with NUL', { boot: linux('disk', { kernel: '/a\0b' }) }, 'boot.kernel', /NUL byte/],
  ['a missing kernel', { boot: linux('none') }, 'boot.kernel', /cannot read '.*none': No such file/],
  ['a directory as kernel', { boot: linux('directory') }, 'boot.kernel', /Is a directory/],
  ['a gzip kernel', { boot: linux('gzip') }, 'boot.kernel', /compressed \(gzip\)/],
  ['a zboot kernel', { boot: linux('zboot') }, 'boot.kernel', /CONFIG_EFI_ZBOOT/],
  ['a kernel of the other processor', { boot: linux('bzImage') }, 'boot.kernel', /for x86_64, and this Mac is arm64/],
  ['noise as kernel', { boot: linux('noise') }, 'boot.kernel', /no Linux kernel for arm64/],
  ['a missing initrd', { boot: { ...config().boot, initrd: file('none') } }, 'boot.initrd', /No such file/],
  [
    'a command line of 2048 bytes',
    { boot: { ...config().boot, cmdline: 'ü'.repeat(1024) } },
    'boot.cmdline',
    /2048 bytes long; Linux reads 2047/,
  ],
  [
    'an EFI store that is not there',
    { boot: { kind: 'efi', variableStore: { path: file('none'), create: false } } },
    'boot.variableStore.path',
    /`create` makes one/,
  ],
  [
    'an EFI store that is',
    { boot: { kind: 'efi', variableStore: { path: file('disk'), create: true } } },
    'boot.variableStore.path',
    /exists already/,
  ],
  [
    'a bad machine identifier',
    { platform: { machineIdentifier: 'bm9pc2U=', nestedVirtualization: false } },
    'platform.machineIdentifier',
    /not a machine identifier/,
  ],
  [
    'no base64',
    { platform: { machineIdentifier: '!', nestedVirtualization: false } },
    'platform.machineIdentifier',
    /not a machine identifier/,
  ],
  ['disks as an object', { storage: {} }, 'storage', /expected an array, got an object/],
  [
    '65 disks',
    { storage: Array.from({ length: 65 }, () => virtio(null, image('disk'))) },
    'storage',
    /65 entries, at most 64/,
  ],
  [
    'a hole in a list',
    { storage: [undefined, virtio(null, image('disk'))] },
    'storage[0]',
    /expected an object, got nothing/,
  ],
  ['a missing image', { storage: [virtio(null, image('none'))] }, 'storage[0].attachment.path', /cannot read '.*none'/],
  [
    'an image of 513 bytes',
    { storage: [virtio(null, image('odd'))] },
    'storage[0].attachment.path',
    /513 bytes; a disk image has a multiple of 512/,
  ],
  ['an empty image', { storage: [virtio(null, image('empty'))] }, 'storage[0].attachment.path', /0 bytes/],
  ['a qcow2 image', { storage: [virtio(null, image('qcow2'))] }, 'storage[0].attachment.path', /qemu-img convert/],
  ['a directory as image', { storage: [virtio(null, image('directory'))] }, 'storage[0].attachment.path', /is no file/],
  [
    'one image written by two',
    { storage: [virtio('a', image('disk', false)), virtio('b', image('disk', false))] },
    'storage[1].attachment.path',
    /another writable disk/,
  ],
  [
    'two disks with one identifier',
    { storage: [virtio('a', image('disk')), virtio('a', image('disk'))] },
    'storage[1].id',
    /another disk has it already: 'a'/,
  ],
  [
    'an identifier of 21 bytes',
    { storage: [virtio('x'.repeat(21), image('disk'))] },
    'storage[0].id',
    /1 to 20 printable/,
  ],
  ['an empty identifier', { storage: [virtio('', image('disk'))] }, 'storage[0].id', /1 to 20 printable/],
  [
    'an identifier that is no ASCII',
    { storage: [virtio('dïsk', image('disk'))] },
    'storage[0].id',
    /1 to 20 printable/,
  ],
  [
    'an identifier for NVMe',
    { storage: [{ device: 'nvme', id: 'a', attachment: image('disk') }] },
    'storage[0].id',
    /no such option/,
  ],
  [
    'an NBD URL of another scheme',
    { storage: [nbd({ url: 'http://localhost' })] },
    'storage[0].attachment.url',
    /nbd:\/\//,
  ],
  ['no time for NBD', { storage: [nbd({ timeout: 0 })] }, 'storage[0].attachment.timeout', /from 1 to/],
  [
    'an unknown sync',
    { storage: [nbd({ sync: 'fsync' })] },
    'storage[0].attachment.sync',
    /'full' or 'none', got 'fsync'/,
  ],
  [
    'a block device that is none',
    { storage: [virtio(null, { kind: 'block', path: file('none'), readOnly: true, sync: 'full' })] },
    'storage[0].attachment.path',
    /cannot open/,
  ],
  ['a MAC that is none', { network: [{ mac: '02:00', attachment: nat }] }, 'network[0].mac', /'02:00'/],
  ['a multicast MAC', { network: [{ mac: '01:00:5e:00:00:01', attachment: nat }] }, 'network[0].mac', /one device/],
  [
    'one MAC twice',
    {
      network: [
        { mac: '02:00:00:00:00:01', attachment: nat },
        { mac: '02:00:00:00:00:01', attachment: nat },
      ],
    },
    'network[1].mac',
    /another network device/,
  ],
  [
    'a closed descriptor',
    { network: [{ mac: null, attachment: { kind: 'file', fd: 987654, mtu: 1500 } }] },
    'network[0].attachment.fd',
    /not open/,
  ],
  [
    'a descriptor that is no socket',
    { network: [{ mac: null, attachment: { kind: 'file', fd: 0, mtu: 1500 } }] },
    'network[0].attachment.fd',
    /datagram socket/,
  ],
  [
    'an unknown interface',
    { network: [{ mac: null, attachment: { kind: 'bridged', interface: 'en99' } }] },
    'network[0].attachment.interface',
    /no interface 'en99'; this Mac has en0/,
  ],
  [
    'a subnet with host bits',
    vmnet({ subnet: '192.168.77.1/24' }) as object,
    'network[0].attachment.subnet',
    /IPv4 subnet/,
  ],
  ['a subnet without mask', vmnet({ subnet: '192.168.77.0' }) as object, 'network[0].attachment.subnet', /IPv4 subnet/],
  [
    'a forward to port 0',
    forward({ guestPort: 0 }) as object,
    'network[0].attachment.forwards[0].guestPort',
    /from 1 to 65535/,
  ],
  [
    'a forward to a name',
    forward({ guestAddress: 'guest' }) as object,
    'network[0].attachment.forwards[0].guestAddress',
    /IPv4 address, got 'guest'/,
  ],
  ['an empty tag', { shares: [share('')] }, 'shares[0].tag', /1 to 35 bytes/],
  ['a tag of 36 bytes', { shares: [share('ü'.repeat(18))] }, 'shares[0].tag', /1 to 35 bytes/],
  ['one tag twice', { shares: [share('a'), share('a')] }, 'shares[1].tag', /another share has it already/],
  ['a share of a file', { shares: [share('a', file('disk'))] }, 'shares[0].share.directory.path', /no directory/],
  ['a share of nothing', { shares: [share('a', file('none'))] }, 'shares[0].share.directory.path', /No such file/],
  [
    'a name with a slash',
    {
      shares: [{ tag: 'a', share: { kind: 'multiple', directories: { 'a/b': { path: directory, readOnly: true } } } }],
    },
    "shares[0].share.directories['a/b']",
    /cannot be the name/,
  ],
  [
    'an abstract socket without name',
    { shares: [{ tag: 'r', share: { kind: 'rosetta', caching: { kind: 'abstract', name: null } } }] },
    'shares[0].share.caching.name',
    /needs a name/,
  ],
  [
    'a closed descriptor as console',
    { serial: [{ kind: 'handles', input: null, output: 987654 }] },
    'serial[0].output',
    /not open/,
  ],
  [
    'fewer ports than there are',
    { consoles: [{ maxPorts: 1, ports: [port({}), port({})] }] },
    'consoles[0].maxPorts',
    /there are 2 ports/,
  ],
  [
    'two displays',
    {
      graphics: [
        {
          scanouts: [
            { width: 1, height: 1 },
            { width: 1, height: 1 },
          ],
        },
      ],
    },
    'graphics[0].scanouts',
    /at most 1/,
  ],
  ['two graphics devices', { graphics: [{ scanouts: [] }, { scanouts: [] }] }, 'graphics', /at most 1/],
  [
    'a display without width',
    { graphics: [{ scanouts: [{ width: 0, height: 1 }] }] },
    'graphics[0].scanouts[0].width',
    /from 1/,
  ],
  [
    'an unknown direction',
    { sound: [{ streams: [{ direction: 'both', host: true }] }] },
    'sound[0].streams[0].direction',
    /'input' or 'output'/,
  ],
  [
    'a UUID that is none',
    { usb: [{ devices: [{ uuid: 'x', attachment: image('disk') }] }] },
    'usb[0].devices[0].uuid',
    /not a UUID/,
  ],
];

function make(changes: object): void {
  const machine = new vz.Machine({ ...config(), ...changes } as never, nobody);
  made.push(machine);
}

describe('an option that no macOS takes', () => {
  it.each(ROWS)('%s', async (_name, changes, option, words) => {
    const error = await failure(() => make(changes));
    expect(error).toBeInstanceOf(Error);
    expect({ kind: error.kind, option: error.option }).toEqual({ kind: 'invalid', option });
    expect(error.message).toMatch(words);
  });

  it('a disk that may not be written', async () => {
    // Root may write everything, except where nobody can.
    const error = await failure(() =>
      make({ storage: [virtio(null, { kind: 'image', path: '/proc/version', readOnly: false })] }),
    );
    expect(error).toMatchObject({ kind: 'invalid', option: 'storage[0].attachment.path' });
  });

  it('a getter that throws: its own error comes through', async () => {
    const mine = new Error('mine');
    const thrown = await failure(() =>
      make({
        get boot() {
          throw mine;
        },
      }),
    );
    // `{...}` above evaluates the getter; a proxy reaches the addon.
    expect(thrown).toBe(mine);
    const proxy = new Proxy(config(), {
      get() {
        throw mine;
      },
    });
    expect(await failure(() => new vz.Machine(proxy, nobody))).toBe(mine);
  });

  it.each([[null], [undefined], [1], ['text'], [[]], [nobody], [Symbol('s')]])('%s as configuration', async (value) => {
    const error = await failure(() => new vz.Machine(value as never, nobody));
    expect(error).toMatchObject({ kind: 'invalid' });
  });

  it('a machine without a listener for its events', async () => {
    expect(await failure(() => new vz.Machine(config(), undefined as never))).toMatchObject({
      kind: 'invalid',
      option: 'onEvent',
    });
  });
});
