// The command that gets a missing program on this distribution. Text for people; nothing here runs it.

import { readFileSync } from 'node:fs';
import type { Arch } from '../driver.ts';
import type { ProgramName } from './programs.ts';

/** Versions that vzshell is tested with; scripts/setup builds the same. */
const CRATES = { virtiofsd: '1.14.0', 'vhost-device-vsock': '0.3.0' };

type Family = 'debian' | 'fedora' | 'arch' | 'suse' | 'alpine' | 'other';

/** A command to type, or advice where no command does it. */
export function installCommand(program: ProgramName, arch: Arch, release: string = osRelease()): string {
  const family = familyOf(release);
  const id = field(release, 'VERSION_CODENAME');
  switch (program) {
    case 'setpriv':
      return packageCommand(family, 'util-linux') ?? 'install util-linux';
    case 'qemu':
      return qemuCommand(family, arch, id);
    case 'virtiofsd':
      if (family === 'debian' && id === 'bookworm') return cargo(program, 'libcap-ng-dev libseccomp-dev');
      return packageCommand(family, 'virtiofsd') ?? cargo(program, 'libcap-ng and libseccomp');
    case 'vhost-device-vsock':
      return family === 'fedora' ? 'sudo dnf install vhost-device-vsock' : cargo(program);
  }
}

function qemuCommand(family: Family, arch: Arch, codename: string): string {
  const arm = arch === 'arm64';
  if (family === 'debian') {
    // Bookworm's own QEMU is 7.2.
    const suite = codename === 'bookworm' ? '-t bookworm-backports ' : '';
    return `sudo apt-get install --no-install-recommends ${suite}qemu-system-${arm ? 'arm' : 'x86'}`;
  }
  if (family === 'suse') return `sudo zypper install qemu-${arm ? 'arm' : 'x86'}`;
  const name =
    family === 'fedora' ? `qemu-system-${arm ? 'aarch64' : 'x86'}-core` : `qemu-system-${arm ? 'aarch64' : 'x86_64'}`;
  return (
    packageCommand(family, name) ??
    `install QEMU 8 or newer with qemu-system-${arm ? 'aarch64' : 'x86_64'}, and have it in PATH`
  );
}

function packageCommand(family: Family, name: string): string | null {
  switch (family) {
    case 'debian':
      return `sudo apt-get install ${name}`;
    case 'fedora':
      return `sudo dnf install ${name}`;
    case 'arch':
      return `sudo pacman -S ${name}`;
    case 'suse':
      return `sudo zypper install ${name}`;
    case 'alpine':
      return `sudo apk add ${name}`;
    case 'other':
      return null;
  }
}

function cargo(crate: keyof typeof CRATES, needs?: string): string {
  const command = `cargo install --locked --root "\${XDG_CACHE_HOME:-$HOME/.cache}/vzshell/tools" ${crate}@${CRATES[crate]}`;
  return `scripts/setup in a checkout of vzshell, or: ${command}${needs === undefined ? '' : ` (needs ${needs})`}`;
}

function familyOf(release: string): Family {
  const ids = `${field(release, 'ID')} ${field(release, 'ID_LIKE')}`.split(/\s+/);
  if (ids.includes('debian') || ids.includes('ubuntu')) return 'debian';
  if (ids.includes('fedora') || ids.includes('rhel')) return 'fedora';
  if (ids.includes('arch')) return 'arch';
  if (ids.some((id) => id === 'suse' || id.startsWith('opensuse'))) return 'suse';
  return ids.includes('alpine') ? 'alpine' : 'other';
}

function field(release: string, name: string): string {
  return new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
