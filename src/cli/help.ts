import { FLAGS, type Flag } from './flags.ts';

/** Width of a terminal's line that help is written for. */
const WIDTH = 100;

/** The help of `vzshell` itself. Each verb has its own. */
export function helpText(): string {
  return `A Linux dev shell: the project's Nix dev shell, in a real virtual machine, on the same path.

Usage:
  vzshell [FLAGS]                 the dev shell of the project around the current directory
  vzshell [FLAGS] -- CMD ARGS…    one command in it
  vzshell VERB …                  see below, and \`vzshell VERB --help\`

Flags of the command:
${flagLines(FLAGS.filter((flag) => flag.machine !== true))}
Flags of the machine, which count when it starts:
${flagLines(FLAGS.filter((flag) => flag.machine === true))}
Verbs:
${rows([
  ['start', "start the project's VM, or join it, and print its name"],
  ['stop [VM]', 'stop a VM in order'],
  ['list', 'all VMs of yours'],
  ['inspect [VM]', 'everything about one, as JSON'],
  ['exec VM -- CMD…', 'a command in a running VM, without dev shell and settings'],
  ['shell [VM]', 'a login shell in a running VM, without dev shell and settings'],
  ['cp SRC DST', 'copy between host and guest; VM:PATH is in the guest'],
  ['forward [VM] HOST:GUEST', "make a port of the guest one of the host's"],
  ['logs [VM]', "the guest's console, or the supervisor's log"],
  ['delete VM', 'delete what a stopped VM left, and its volume if asked to'],
  ['image', 'list, pull, inspect, import and prune guest images'],
  ['volume', 'list, clone and delete the disks on which VMs keep their Nix stores'],
  ['store [VM]', "what the layers of a VM's Nix store hold"],
  ['gc [VM]', "collect the garbage of a VM's Nix store, and shrink its volume"],
  ['copy-to-host PATH…', "copy store paths of a guest into this host's Nix store"],
  ['doctor', 'what this host can do, what is missing, and how to get it'],
  ['version', 'the version of vzshell'],
])}
Without a name, VM is the one of the project around the current directory. It stays after a command,
so that the next is quick, and stops by itself after 15 idle minutes. \`vzshell doctor\` says what to
install first; settings for every day go into vzshell.json.

Exit codes: the command's own; 1 Nix failed; 125 vzshell failed; 126 the command cannot be run; 127 it
was not found; 128+n signal n ended it.
`;
}

/** The lines of a flag table. */
export function flagLines(flags: readonly Flag[]): string {
  return rows(
    flags.map(({ long, short, value, help }) => [
      `${short === undefined ? '   ' : `-${short},`} --${long}${value === undefined ? '' : ` ${value}`}`,
      help,
    ]),
  );
}

function rows(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([left]) => left.length)) + 2;
  return entries
    .map(([left, right]) => `  ${left.padEnd(width)}${wrap(right, WIDTH - width - 2, width + 2)}\n`)
    .join('');
}

function wrap(text: string, width: number, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
