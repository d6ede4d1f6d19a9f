// The device catalogue, checked in the user's words before a driver sees it: what no driver on any host could take is refused
// here, with the path of the option. What a host lacks is the driver's to say.

import * as v from 'valibot';
import type { MachineDevices } from './devices.ts';
import { invalid } from './spec-error.ts';
import { checkDiskFile } from './spec-files.ts';

const MAX_FD = 0x7fff_ffff;
const PORT = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const PATH = v.pipe(
  v.string(),
  v.check((path) => path.startsWith('/') && !path.includes('\0'), 'expected an absolute path'),
);
const FD = v.pipe(v.number(), v.integer(), v.minValue(0, 'expected a descriptor'), v.maxValue(MAX_FD));
const SYNC = v.picklist(['full', 'none']);
const IPV4 = v.pipe(v.string(), v.ipv4('expected an IPv4 address'));

const bytes = (text: string): number => Buffer.byteLength(text);

const storageAttachment = v.variant('kind', [
  v.strictObject({ kind: v.literal('image'), path: PATH, readOnly: v.boolean() }),
  v.strictObject({ kind: v.literal('block'), path: PATH, readOnly: v.boolean(), sync: SYNC }),
  v.strictObject({
    kind: v.literal('nbd'),
    url: v.pipe(v.string(), v.regex(/^nbds?(\+unix)?:\/\//, 'expected nbd://, nbds://, nbd+unix:// or nbds+unix://')),
    timeout: v.pipe(v.number(), v.minValue(1, 'expected milliseconds')),
    readOnly: v.boolean(),
    sync: SYNC,
  }),
]);

const storageDevice = v.variant('device', [
  v.strictObject({
    device: v.literal('virtio'),
    id: v.nullable(
      v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,20}$/, 'expected 1 to 20 characters of ASCII, without spaces')),
    ),
    attachment: storageAttachment,
  }),
  v.strictObject({ device: v.literal('nvme'), attachment: storageAttachment }),
  v.strictObject({ device: v.literal('usb'), attachment: storageAttachment }),
]);

const usbStorage = v.strictObject({
  uuid: v.nullable(v.pipe(v.string(), v.uuid('expected a UUID'))),
  attachment: storageAttachment,
});

const networkAttachment = v.variant('kind', [
  v.strictObject({ kind: v.literal('nat') }),
  v.strictObject({
    kind: v.literal('file'),
    fd: FD,
    mtu: v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1500, 'expected 1500 to 65535'),
      v.maxValue(65_535, 'expected 1500 to 65535'),
    ),
  }),
  v.strictObject({ kind: v.literal('bridged'), interface: v.pipe(v.string(), v.nonEmpty('expected an interface')) }),
  v.strictObject({
    kind: v.literal('vmnet'),
    mode: v.picklist(['shared', 'host']),
    subnet: v.nullable(
      v.pipe(v.string(), v.regex(/^(\d{1,3}\.){3}\d{1,3}\/([89]|[12]\d|30)$/, 'expected a subnet, as 192.168.77.0/24')),
    ),
    dhcp: v.boolean(),
    forwards: v.array(
      v.strictObject({
        protocol: v.picklist(['tcp', 'udp']),
        hostPort: PORT,
        guestPort: PORT,
        guestAddress: IPV4,
      }),
    ),
  }),
]);

const MAC = v.pipe(
  v.string(),
  v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'expected six hex bytes, as 02:00:00:00:00:01'),
  v.check((mac) => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0, 'expected the address of one device, not of many'),
);

const directory = v.strictObject({ path: PATH, readOnly: v.boolean() });
const fileName = v.pipe(
  v.string(),
  v.check((name) => name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name), 'expected a name without /'),
  v.check((name) => bytes(name) <= 255, 'expected at most 255 bytes'),
);

const share = v.variant('kind', [
  v.strictObject({ kind: v.literal('single'), directory }),
  v.strictObject({ kind: v.literal('multiple'), directories: v.record(fileName, directory) }),
  v.strictObject({
    kind: v.literal('rosetta'),
    caching: v.nullable(v.strictObject({ kind: v.picklist(['unix', 'abstract']), name: v.nullable(v.string()) })),
  }),
]);

const shareDevice = v.strictObject({
  tag: v.pipe(
    v.string(),
    v.check((tag) => tag !== '' && !tag.includes('\0') && bytes(tag) <= 35, 'expected a tag of 1 to 35 bytes'),
  ),
  share,
});

const none = v.strictObject({ kind: v.literal('none') });
const file = v.strictObject({ kind: v.literal('file'), path: PATH, append: v.boolean() });
const handles = v.strictObject({ kind: v.literal('handles'), input: v.nullable(FD), output: v.nullable(FD) });
const spice = v.strictObject({ kind: v.literal('spice'), sharesClipboard: v.boolean() });

const consoleDevice = v.strictObject({
  maxPorts: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536))),
  ports: v.array(
    v.strictObject({
      name: v.nullable(v.pipe(v.string(), v.nonEmpty('expected a name'))),
      isConsole: v.boolean(),
      attachment: v.variant('kind', [none, file, handles, spice]),
    }),
  ),
});

const pixels = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16_384));

const devices = v.strictObject({
  boot: v.optional(
    v.strictObject({
      kind: v.literal('efi'),
      variableStore: v.strictObject({ path: PATH, create: v.boolean() }),
    }),
  ),
  nestedVirtualization: v.optional(v.boolean()),
  storage: v.optional(v.array(storageDevice)),
  network: v.optional(v.array(v.strictObject({ mac: v.nullable(MAC), attachment: networkAttachment }))),
  shares: v.optional(v.array(shareDevice)),
  serial: v.optional(v.array(v.variant('kind', [none, file, handles]))),
  consoles: v.optional(v.array(consoleDevice)),
  balloon: v.optional(v.boolean()),
  graphics: v.optional(
    v.strictObject({
      scanouts: v.pipe(
        v.array(v.strictObject({ width: pixels, height: pixels })),
        v.maxLength(1, 'expected at most one scanout'),
      ),
    }),
  ),
  keyboard: v.optional(v.boolean()),
  pointer: v.optional(v.boolean()),
  sound: v.optional(
    v.array(
      v.strictObject({
        streams: v.array(v.strictObject({ direction: v.picklist(['input', 'output']), host: v.boolean() })),
      }),
    ),
  ),
  usb: v.optional(v.strictObject({ devices: v.array(usbStorage) })),
});

/** Throws ERR_INVALID_OPTION, naming the option by its path. `taken` are the serials and tags of the machine's own devices. */
export function checkDevices(
  given: MachineDevices,
  taken: { readonly ids: readonly string[]; readonly tags: readonly string[] },
): void {
  const result = v.safeParse(devices, given);
  if (!result.success) {
    const [issue] = result.issues;
    throw invalid(optionOf(issue), issue.message);
  }
  const { storage = [], shares = [], usb } = given;
  const ids = storage.map((device) => (device.device === 'virtio' ? device.id : null));
  checkUnique('storage', 'id', ids, taken.ids);
  checkUnique(
    'shares',
    'tag',
    shares.map(({ tag }) => tag),
    taken.tags,
  );
  for (const [list, all] of [
    ['storage', storage],
    ['usb.devices', usb?.devices ?? []],
  ] as const) {
    all.forEach(({ attachment }, index) => {
      if (attachment.kind !== 'image') return;
      checkDiskFile(`devices.${list}[${index}].attachment.path`, attachment.path, attachment.readOnly);
    });
  }
}

function checkUnique(list: string, key: string, names: readonly (string | null)[], taken: readonly string[]): void {
  names.forEach((name, index) => {
    if (name === null || (!taken.includes(name) && names.indexOf(name) === index)) return;
    throw invalid(`devices.${list}[${index}].${key}`, `'${name}' is used twice`);
  });
}

function optionOf(issue: v.BaseIssue<unknown>): string {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return `devices${path.join('')}`;
}
