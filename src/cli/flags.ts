// Every flag of `vzshell` itself, in the order in which help shows them. The table serves the parser of the fast path, the
// verbs that take some of them, and help.

export type FlagName =
  | 'cpus'
  | 'memory'
  | 'disk'
  | 'arch'
  | 'image'
  | 'mount'
  | 'network'
  | 'store'
  | 'name'
  | 'volume'
  | 'accelerator'
  | 'idle-timeout'
  | 'env'
  | 'env-file'
  | 'workdir'
  | 'user'
  | 'shell'
  | 'plain'
  | 'rm'
  | 'no-cache'
  | 'no-stdin'
  | 'verbose';

export interface Flag {
  readonly long: FlagName;
  readonly short?: string;
  /** What stands for its value in help; a flag without one is a switch. */
  readonly value?: string;
  readonly many?: boolean;
  readonly help: string;
  /** It shapes the machine, so `start` takes it too; the others are about one command. */
  readonly machine?: boolean;
}

export const FLAGS: readonly Flag[] = [
  { long: 'cpus', value: 'N', machine: true, help: "cores (default: the host's, at most 4; 2 when emulated)" },
  {
    long: 'memory',
    value: 'SIZE',
    machine: true,
    help: "memory, such as '4GiB' (default: 2GiB, at most half of the host's)",
  },
  {
    long: 'disk',
    value: 'SIZE',
    machine: true,
    help: 'size limit of a new volume, sparse on the host (default: 64GiB)',
  },
  {
    long: 'arch',
    value: 'ARCH',
    machine: true,
    help: "'arm64' or 'x86_64' (default: the host's; another is emulated, which is slow)",
  },
  {
    long: 'image',
    value: 'IMAGE',
    machine: true,
    help: "guest image: manifest.json, npm:NAME@VERSION, URL or id (default: vzshell's own)",
  },
  {
    long: 'mount',
    value: 'SRC:DST[:ro]',
    many: true,
    machine: true,
    help: 'one more host directory in the guest; the project is there anyway',
  },
  {
    long: 'network',
    value: 'nat|none',
    machine: true,
    help: "'nat' (the default) reaches the Internet, 'none' nothing",
  },
  {
    long: 'store',
    value: 'KIND',
    machine: true,
    help: "'host' puts this host's Nix store below the guest's, 'image' does not, 'auto' (the default) where it can",
  },
  { long: 'name', value: 'NAME', machine: true, help: "the VM's name (default: from the project)" },
  { long: 'volume', value: 'NAME', machine: true, help: "volume that holds /nix (default: the VM's name)" },
  { long: 'accelerator', value: 'KIND', machine: true, help: "'auto' (the default), 'hardware' or 'emulation'" },
  {
    long: 'idle-timeout',
    value: 'TIME',
    machine: true,
    help: "stop after this long without a command (default: '15m'), or 'never'",
  },
  {
    long: 'env',
    short: 'e',
    value: 'NAME=VALUE',
    many: true,
    help: "variable for the command; 'NAME' alone takes the host's value",
  },
  { long: 'env-file', value: 'FILE', many: true, help: 'file of NAME=VALUE lines' },
  {
    long: 'workdir',
    short: 'w',
    value: 'DIR',
    help: 'directory of the command in the guest (default: the current one)',
  },
  { long: 'user', short: 'u', value: 'NAME', help: 'guest user of the command (default: yours)' },
  { long: 'shell', value: 'NAME', help: "dev shell of the flake: devShells.<system>.NAME (default: 'default')" },
  { long: 'plain', help: 'without the dev shell: the guest as it is' },
  { long: 'rm', help: 'a throwaway VM with a throwaway volume, gone after the command' },
  { long: 'no-cache', help: 'run `nix develop` itself, past the cached environment' },
  { long: 'no-stdin', short: 'n', help: 'do not read standard input' },
  { long: 'verbose', short: 'v', help: 'say what happens, how long it takes, and causes of errors' },
];

/** Flags as they were given: a text, a list of texts, or true. */
export type FlagValues = { readonly [name in FlagName]?: string | readonly string[] | true };

/** The verbs, which are looked for before anything is parsed. */
export const VERBS: readonly string[] = [
  'start',
  'stop',
  'list',
  'inspect',
  'exec',
  'shell',
  'cp',
  'forward',
  'logs',
  'image',
  'volume',
  'store',
  'gc',
  'copy-to-host',
  'doctor',
  'delete',
  'version',
  'help',
];

/** Whether a first word is a verb's, or one of the flags that are verbs. */
export function isVerb(word: string | undefined): boolean {
  return word !== undefined && (VERBS.includes(word) || /^(?:-h|--help|-V|--version)$/.test(word));
}
