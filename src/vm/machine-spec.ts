// From checked options to what a supervisor is told. Everything that must be looked up on the host is looked up here.

import { randomBytes, randomUUID } from 'node:crypto';
import { CACHE_PORT } from '../agent/protocol.ts';
import type { MachineDevices } from '../driver/devices.ts';
import type { DriverProbe, ShareSpec } from '../driver/driver.ts';
import { requireFeatures } from '../driver/require-features.ts';
import { selectDriver } from '../driver/select.ts';
import { VzshellError } from '../errors.ts';
import { type GuestImage, type ImageRequest, locateImage } from '../image/locate.ts';
import type { Looking } from '../nix/host-store/case-hack.ts';
import { planHostStore } from '../nix/host-store/plan.ts';
import { runId, runPaths, type StatePaths } from '../state/paths.ts';
import { STATE_SCHEMA, type VmSpec } from '../supervisor/spec.ts';
import { ensureVolume } from '../volume/ensure.ts';
import { throwawayName, volumeFiles } from '../volume/files.ts';
import { defaultCpus, defaultStartTimeout, type ResolvedOptions } from './options.ts';

/** The serial by which the guest finds each disk (guest/CONTRACT.md). */
const DISK = { image: 'image', volume: 'nix' };
/** The tags of the shares that the host's Nix store takes. */
const TAG = { store: 'nix-store', databases: 'nix-db' };
/** Bytes of the guest's console that are kept, twice. */
const MAX_CONSOLE = 1024 ** 2;

/** Whom those steps tell that may take long: an image that is fetched, a store that is looked through for the first time. */
export type Planning = Pick<ImageRequest, 'signal' | 'onProgress'> & Looking;

/** Everything that a start needs: the image found, the programs there, the volume made. */
export async function planVm(options: ResolvedOptions, paths: StatePaths, planning: Planning): Promise<VmSpec> {
  const driver = selectDriver(options.driver);
  const [image, probe] = await Promise.all([
    locateImage({ ...planning, arch: options.arch, ...(options.image !== null && { image: options.image }) }),
    driver.probe(options.arch),
  ]);
  requireUsable(probe);
  const shares = options.mounts.map(
    (mount, index): ShareSpec => ({ tag: `s${index}`, path: mount.source, readOnly: mount.readonly }),
  );
  if (options.devices !== null) await requireDevices(options.devices, shares, probe);
  const emulated =
    options.accelerator === 'emulation' || (options.accelerator === 'auto' && probe.accelerator === 'tcg');
  const name = options.name ?? `vm-${randomBytes(4).toString('hex')}`;
  const id = runId(name);
  const run = runPaths(paths, id);
  const volume = volumeOf(options, paths);
  const { store, locks } = await planHostStore(options.store, image, paths, planning);
  const { host } = store;
  return {
    schema: STATE_SCHEMA,
    id,
    name,
    ephemeral: options.name === null,
    driver: driver.name,
    machine: {
      arch: options.arch,
      cpus: options.cpus ?? defaultCpus(emulated, options.arch),
      memory: options.memory,
      kernel: image.kernel,
      initrd: image.initrd,
      cmdline: image.cmdline,
      disks: [
        { id: DISK.image, path: image.root, readOnly: true },
        { id: DISK.volume, path: volume.path, readOnly: false },
      ],
      shares: [
        ...shares,
        ...(host === null
          ? []
          : [
              { tag: TAG.store, path: host.directory, readOnly: true },
              { tag: TAG.databases, path: run.databases, readOnly: true },
            ]),
      ],
      network: options.network,
      vsockPath: run.vsock,
      console: { path: run.console, maxBytes: MAX_CONSOLE },
      runDir: run.directory,
      accelerator: options.accelerator,
      ...(options.devices !== null && { devices: options.devices }),
    },
    configure: {
      hostname: hostname(name),
      unixMs: Date.now(),
      user: options.user,
      shares: options.mounts.map(({ target, readonly }, index) => ({ tag: `s${index}`, target, readOnly: readonly })),
      volume: { serial: DISK.volume, uuid: volume.uuid, format: true },
      tmpfsStore: false,
      store: {
        image: image.id,
        host: host && {
          tag: TAG.store,
          databaseTag: TAG.databases,
          id: host.id,
          generation: host.generation,
          locks,
        },
        cache: store.cache ? { port: CACHE_PORT } : null,
      },
      network: options.network,
      nix: { conf: nixConf(options.network, Boolean(store.cache)) },
      env: options.env,
    },
    image: imageOf(image),
    volume,
    store,
    workdir: options.workdir,
    detached: options.detached,
    idleTimeoutMs: options.idleTimeout,
    startTimeoutMs: options.startTimeout ?? defaultStartTimeout(emulated),
  };
}

/** Lines of nix.conf: where Nix looks for what others have built. */
function nixConf(network: ResolvedOptions['network'], hasCache: boolean): string {
  // Without a network Nix would try its substituters all the same, and say at each that it failed.
  if (!hasCache) return network === 'none' ? 'substituters =\n' : '';
  // The host is trusted as it is, its paths need no signature.
  return `${network === 'none' ? '' : 'extra-'}substituters = http://127.0.0.1:${CACHE_PORT}?trusted=1\n`;
}

function volumeOf(options: ResolvedOptions, paths: StatePaths): VmSpec['volume'] {
  if (options.volume !== null) return { ...ensureVolume(paths, options.volume, options.disk), throwaway: false };
  const name = throwawayName();
  return { name, path: volumeFiles(paths, name).image, uuid: randomUUID(), throwaway: true, size: options.disk };
}

function imageOf({ manifest, id, system }: GuestImage): VmSpec['image'] {
  return { manifest, id, system };
}

function requireUsable(probe: DriverProbe): void {
  if (probe.usable) return;
  const what = probe.missing.map(({ what, why }) => `${what} (${why})`).join('; ');
  throw new VzshellError('ERR_UNSUPPORTED_HOST', `this host cannot run a virtual machine yet: ${what}`, {
    hint: [...new Set(probe.missing.map(({ fix }) => fix))].join('\n'),
    details: { missing: probe.missing.map(({ what }) => what) },
  });
}

/** The schema is large, and hardly any VM has such devices: it is loaded for those. */
async function requireDevices(
  devices: MachineDevices,
  shares: readonly ShareSpec[],
  { features }: DriverProbe,
): Promise<void> {
  const { checkDevices } = await import('../driver/devices-schema.ts');
  checkDevices(devices, { ids: Object.values(DISK), tags: [...Object.values(TAG), ...shares.map(({ tag }) => tag)] });
  requireFeatures({ devices }, features);
}

/** A name as a host name: RFC 1123 letters, at most 63, no dash at either end. */
function hostname(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
  return plain === '' ? 'vzshell' : plain;
}
