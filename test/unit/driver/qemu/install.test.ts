import { expect, it } from 'vitest';
import { installCommand } from '../../../../src/driver/qemu/install.ts';

const DEBIAN = 'ID=debian\nVERSION_CODENAME=bookworm\n';
const TRIXIE = 'ID=debian\nVERSION_CODENAME=trixie\n';
const UBUNTU = 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n';
const FEDORA = 'ID=fedora\n';
const ARCH = 'NAME="Arch Linux"\nID=arch\n';

it.each([
  ['qemu', DEBIAN, /^sudo apt-get install .*-t bookworm-backports qemu-system-arm$/],
  ['qemu', TRIXIE, /^sudo apt-get install --no-install-recommends qemu-system-arm$/],
  ['qemu', UBUNTU, /^sudo apt-get install --no-install-recommends qemu-system-arm$/],
  ['qemu', FEDORA, /^sudo dnf install qemu-system-aarch64-core$/],
  ['qemu', ARCH, /^sudo pacman -S qemu-system-aarch64$/],
  ['qemu', 'ID="opensuse-leap"\n', /^sudo zypper install qemu-arm$/],
  ['qemu', '', /^install QEMU 8 or newer/],
  ['virtiofsd', DEBIAN, /cargo install --locked .* virtiofsd@1\.14\.0 \(needs libcap-ng-dev libseccomp-dev\)$/],
  ['virtiofsd', TRIXIE, /^sudo apt-get install virtiofsd$/],
  ['vhost-device-vsock', TRIXIE, /cargo install --locked .* vhost-device-vsock@0\.3\.0$/],
  ['vhost-device-vsock', FEDORA, /^sudo dnf install vhost-device-vsock$/],
  ['setpriv', 'ID=alpine\n', /^sudo apk add util-linux$/],
] as const)('says how to get %s (%j)', (program, release, command) => {
  expect(installCommand(program, 'arm64', release)).toMatch(command);
});
