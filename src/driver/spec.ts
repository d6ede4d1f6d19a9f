// What every driver may rely on: a spec that passed here is complete, within the limits of virtio and of this host, and names
// files that are there and of the right kind. Messages name the option and quote what was given.

import { accessSync, constants, statSync } from 'node:fs';
import { cpus as hostCpus, totalmem } from 'node:os';
import { dirname, isAbsolute } from 'node:path';
import type { DiskSpec, MachineSpec, ShareSpec } from './driver.ts';
import { invalid, pathError, show } from './spec-error.ts';
import { checkDiskFile, checkKernelFile } from './spec-files.ts';

const MIB = 1024 * 1024;
const MIN_MEMORY = 256 * MIB;
/** Bytes of a virtio block device's serial. */
const MAX_DISK_ID = 20;
/** Bytes of a VirtioFS tag. */
const MAX_SHARE_TAG = 36;
/** Bytes; sun_path holds 103 and a NUL on macOS, and `_1025` comes behind. */
const MAX_VSOCK_PATH = 98;
/** Bytes; a driver puts sockets with short names of its own behind it. */
const MAX_RUN_DIR = 90;
/** Bytes; the kernels' COMMAND_LINE_SIZE is 2048 with the NUL. */
const MAX_CMDLINE = 2047;
/** Disks and shares together: each takes a slot of the one PCI bus. */
const MAX_DEVICES = 24;
const MIN_CONSOLE = 4096;

/** Throws ERR_INVALID_OPTION, naming the option, for what no driver could run. `devices` is for the drivers that offer any. */
export function validateMachineSpec(spec: MachineSpec): void {
  oneOf('arch', spec.arch, ['arm64', 'x86_64']);
  oneOf('network', spec.network, ['nat', 'none']);
  oneOf('accelerator', spec.accelerator, ['auto', 'hardware', 'emulation']);
  checkCpus(spec.cpus);
  checkMemory(spec.memory);
  checkCmdline(spec.cmdline);
  checkPath('kernel', spec.kernel, 'file');
  checkKernelFile('kernel', spec.kernel, spec.arch);
  checkPath('initrd', spec.initrd, 'file');
  checkPath('runDir', spec.runDir, 'directory');
  checkSocketPath('runDir', spec.runDir, MAX_RUN_DIR);
  checkVsockPath(spec.vsockPath);
  checkConsole(spec.console);
  if (spec.disks.length + spec.shares.length > MAX_DEVICES) {
    throw invalid(
      'shares',
      `a machine takes ${MAX_DEVICES} disks and shares, got ${spec.disks.length} and ${spec.shares.length}`,
    );
  }
  spec.disks.forEach(checkDisk);
  spec.shares.forEach(checkShare);
  if (spec.restoreFrom !== undefined) checkPath('restoreFrom', spec.restoreFrom, 'file');
}

function checkCpus(cpus: number): void {
  const most = hostCpus().length;
  if (Number.isInteger(cpus) && cpus >= 1 && cpus <= most) return;
  throw invalid('cpus', `expected a whole number from 1 to ${most} (what this host has), got ${show(cpus)}`);
}

function checkMemory(memory: number): void {
  if (!Number.isSafeInteger(memory) || memory % MIB !== 0) {
    throw invalid('memory', `expected bytes, a multiple of 1 MiB, got ${show(memory)}`);
  }
  if (memory < MIN_MEMORY) throw invalid('memory', `a guest needs at least 256 MiB, got ${memory / MIB} MiB`);
  const most = Math.floor(totalmem() / MIB);
  if (memory / MIB > most) throw invalid('memory', `this host has ${most} MiB, got ${memory / MIB} MiB`);
}

function checkCmdline(cmdline: string): void {
  checkText('cmdline', cmdline);
  const length = Buffer.byteLength(cmdline);
  if (length > MAX_CMDLINE) {
    throw invalid('cmdline', `the kernel reads at most ${MAX_CMDLINE} bytes, got ${length}`);
  }
}

function checkVsockPath(path: string): void {
  checkText('vsockPath', path);
  if (!isAbsolute(path)) throw invalid('vsockPath', `expected an absolute path, got ${show(path)}`);
  checkSocketPath('vsockPath', path, MAX_VSOCK_PATH);
  checkPath('vsockPath', dirname(path), 'directory');
}

function checkSocketPath(option: string, path: string, most: number): void {
  const length = Buffer.byteLength(path);
  if (length <= most) return;
  throw invalid(option, `a unix socket's path is short: at most ${most} bytes here, ${show(path)} has ${length}`, {
    hint: 'set VZSHELL_HOME to a directory with a shorter path',
  });
}

function checkConsole(console: MachineSpec['console']): void {
  checkText('console.path', console.path);
  if (!isAbsolute(console.path)) throw invalid('console.path', `expected an absolute path, got ${show(console.path)}`);
  checkPath('console.path', dirname(console.path), 'directory');
  if (!Number.isSafeInteger(console.maxBytes) || console.maxBytes < MIN_CONSOLE) {
    throw invalid(
      'console.maxBytes',
      `expected a whole number of at least ${MIN_CONSOLE}, got ${show(console.maxBytes)}`,
    );
  }
}

function checkDisk(disk: DiskSpec, index: number, all: readonly DiskSpec[]): void {
  const option = `disks[${index}]`;
  checkName(`${option}.id`, disk.id, MAX_DISK_ID, 'the guest finds a disk by its serial');
  checkUnique(
    `${option}.id`,
    disk.id,
    all.slice(0, index).map((other) => other.id),
  );
  checkText(`${option}.path`, disk.path);
  checkDiskFile(`${option}.path`, disk.path, disk.readOnly);
}

function checkShare(share: ShareSpec, index: number, all: readonly ShareSpec[]): void {
  const option = `shares[${index}]`;
  checkName(`${option}.tag`, share.tag, MAX_SHARE_TAG, 'the guest mounts a share by its tag');
  checkUnique(
    `${option}.tag`,
    share.tag,
    all.slice(0, index).map((other) => other.tag),
  );
  checkPath(`${option}.path`, share.path, 'directory');
}

function checkName(option: string, name: string, most: number, why: string): void {
  checkText(option, name);
  // A comma would end the value in QEMU's own option syntax; the rest keeps the name whole in sysfs and in messages.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw invalid(option, `expected letters, digits, '.', '_' and '-', got ${show(name)}`);
  }
  if (name.length > most) throw invalid(option, `at most ${most} bytes (${why}), got ${show(name)}`);
}

function checkUnique(option: string, name: string, taken: readonly string[]): void {
  if (taken.includes(name)) throw invalid(option, `${show(name)} is used twice`);
}

/** A path that this process may read, of the right kind. */
function checkPath(option: string, path: string, kind: 'file' | 'directory'): void {
  checkText(option, path);
  if (!isAbsolute(path)) throw invalid(option, `expected an absolute path, got ${show(path)}`);
  try {
    const stat = statSync(path);
    if (kind === 'directory' ? !stat.isDirectory() : !stat.isFile()) {
      throw invalid(option, `${show(path)} is not a ${kind}`);
    }
    if (kind === 'file' && stat.size === 0) throw invalid(option, `${show(path)} is empty`);
    accessSync(path, kind === 'directory' ? constants.R_OK | constants.X_OK : constants.R_OK);
  } catch (error) {
    throw pathError(option, path, error);
  }
}

function checkText(option: string, text: string): void {
  if (typeof text !== 'string' || text.includes('\0')) {
    throw invalid(option, `expected text without NUL bytes, got ${show(text)}`);
  }
}

function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw invalid(option, `expected ${allowed.map((item) => `'${item}'`).join(' or ')}, got ${show(value)}`);
}
