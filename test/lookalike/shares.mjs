// What each VirtioFS device serves. One directory is served as it is. Several are a staging directory with a bind mount each, in
// which later ones show up while the guest runs: virtiofsd's own mount namespace follows ours. That takes root.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { CannotBoot } from './machine-spec.mjs';

export class Shares {
  #root;
  #devices = [];

  constructor(root) {
    this.#root = root;
  }

  /** Per device the directory and whether it is read-only. */
  async open({ directorySharingDevices }) {
    this.#devices = directorySharingDevices.map(({ share, tag }, index) => this.#device(share, tag, index));
    return this.#devices.map(({ path, readOnly }) => ({ path, readOnly }));
  }

  /** While the guest runs; several directories only, and by several. */
  replace(index, share) {
    const device = this.#devices[index];
    if (device.mounted === undefined || share.class !== 'VZMultipleDirectoryShare') {
      throw new Error('the look-alike replaces only a share of several directories by another of several');
    }
    for (const name of Object.keys(device.mounted)) {
      if (!same(device.mounted[name], share.directories[name])) this.#unmount(device, name);
    }
    for (const [name, directory] of Object.entries(share.directories)) {
      if (device.mounted[name] === undefined) this.#mount(device, name, directory);
    }
  }

  async close() {
    for (const device of this.#devices.filter(({ mounted }) => mounted !== undefined)) {
      for (const name of Object.keys(device.mounted)) this.#unmount(device, name);
      for (const path of [device.path, device.staging]) {
        command('umount', '-l', path);
        rmdirSync(path);
      }
    }
    if (this.#devices.some(({ mounted }) => mounted !== undefined)) rmdirSync(this.#root);
    this.#devices = [];
  }

  #device(share, tag, index) {
    if (share?.class === 'VZSingleDirectoryShare') {
      return { path: share.directory.URL, readOnly: share.directory.readOnly };
    }
    if (share?.class !== 'VZMultipleDirectoryShare')
      throw new CannotBoot(`${share?.class ?? 'no share'} (tag '${tag}')`);
    if (process.getuid() !== 0)
      throw new CannotBoot('a share of several directories as an ordinary user: it mounts them');
    const staging = join(this.#root, String(index));
    const device = { path: `${staging}.view`, staging, readOnly: false, mounted: {} };
    mkdirSync(staging, { recursive: true });
    mkdirSync(device.path);
    command('mount', '-t', 'tmpfs', '-o', 'mode=0755,size=64k', 'vzl', staging);
    // What is mounted in it from now on reaches the view, and virtiofsd's namespace, which takes and gives nothing back.
    command('mount', '--make-shared', staging);
    command('mount', '--bind', staging, device.path);
    // Between the directories the guest writes nothing.
    command('mount', '-o', 'remount,bind,ro', device.path);
    for (const [name, directory] of Object.entries(share.directories)) this.#mount(device, name, directory);
    return device;
  }

  #mount(device, name, directory) {
    const target = join(device.staging, name);
    mkdirSync(target);
    if (directory.readOnly) this.#mountReadOnly(directory.URL, target);
    else command('mount', '--bind', directory.URL, target);
    device.mounted[name] = directory;
  }

  /** Made read-only where nobody sees it: a remount would not reach the copies of a mount that exist by then. */
  #mountReadOnly(path, target) {
    const aside = join(this.#root, 'aside');
    mkdirSync(aside);
    command('mount', '--bind', path, aside);
    command('mount', '-o', 'remount,bind,ro', aside);
    command('mount', '--bind', aside, target);
    command('umount', aside);
    rmdirSync(aside);
  }

  #unmount(device, name) {
    const target = join(device.staging, name);
    // The guest may have files open there.
    command('umount', '-l', target);
    rmdirSync(target);
    delete device.mounted[name];
  }
}

function same(one, other) {
  return other !== undefined && one.URL === other.URL && one.readOnly === other.readOnly;
}

function command(program, ...options) {
  const done = spawnSync(program, options, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program} ${options.join(' ')}: ${done.stderr || done.error?.message}`);
}
