// The host's Nix store below the guest's: what it saves a dev shell, and what it costs a start.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Vm } from '../../dist/index.js';
import { hackedPaths } from '../../dist/nix/host-store/case-hack.js';
import { snapshotHostStore } from '../../dist/nix/host-store/snapshot.js';
import { CountingCache } from './counting-cache.mjs';
import { childrenOf, processorSeconds } from './host-cost.mjs';
import { HostNix } from './host-nix.mjs';
import { quantile, sample, timed } from './measure.mjs';
import { addPath, makeStore } from './store-database.mjs';
import { readRecord } from './workload.mjs';

const PULL_PORT = 5002;
const median = (samples) => quantile(samples, 0.5);
const count = new Intl.NumberFormat('en').format;

/** Everything about the store. `guestProbe` is the probe compiled for the guest. */
export async function stores(report, { arch, quick, root, scratch, guestProbe }) {
  for (const paths of [1000, 20_000, 100_000]) await snapshots(report, { paths, arch, root, scratch });
  await firstLook(report, { paths: quick ? 2000 : 20_000, scratch });
  const host = new HostNix(mkdtempSync(path.join(scratch, 'nix-')));
  try {
    const project = path.join(scratch, 'closure');
    const system = arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux';
    const closure = host.addClosure(project, system, quick ? 60 : 300, quick ? 40e6 : 200e6);
    await boots(report, { arch, pairs: quick ? 3 : 9 });
    host.addRenamed(scratch);
    await devShells(report, { arch, host, project, closure, guestProbe });
  } finally {
    host.leave();
  }
}

/** The copy of the host's database that a guest gets, beside SQLite's bare copy of the same file. */
async function snapshots(report, { paths, arch, root, scratch }) {
  const directory = mkdtempSync(path.join(scratch, 'database-'));
  const nix = makeStore(directory, paths);
  const database = path.join(root, 'build/guest', arch, 'store.sqlite');
  const times = { bare: [], first: [], same: [], added: [] };
  for (let round = 0; round < 5; round++) {
    const image = { id: `image-${round}`, database };
    const take = async () => (await timed(() => snapshotHostStore(nix, image, path.join(directory, 'stores')))).ms;
    const copy = path.join(directory, `copy-${round}`);
    const backup = ['-batch', `file:${nix.database}?immutable=1`, `.backup main ${copy}`];
    times.bare.push((await timed(() => execFileSync('sqlite3', backup))).ms);
    times.first.push(await take());
    times.same.push(await take());
    addPath(nix);
    times.added.push(await take());
  }
  const limit = median(times.bare);
  const limitName = 'sqlite3 .backup';
  const megabytes = statSync(nix.database).size / 1e6;
  const common = { limit, limitName, target: 1000, judge: 'value', extra: { megabytes } };
  const name = `snapshot of ${count(paths)} paths`;
  report.add({ name, value: median(times.first), ...common });
  report.add({ name: `${name}, one of them new`, value: median(times.added), ...common });
  report.add({ name: `${name}, nothing new`, value: median(times.same) });
  rmSync(directory, { recursive: true });
}

/** What a Mac's first start does with the whole store, beside `find`. */
async function firstLook(report, { paths, scratch }) {
  const directory = mkdtempSync(path.join(scratch, 'look-'));
  const { store } = makeStore(directory, paths, 20);
  const names = readdirSync(store);
  const times = { find: [], look: [], again: [] };
  for (let round = 0; round < 3; round++) {
    const memory = path.join(directory, `memory-${round}`);
    times.find.push((await timed(() => execFileSync('find', [store, '-name', '*~nix~case~hack~*']))).ms);
    times.look.push((await timed(() => hackedPaths(store, names, memory))).ms);
    times.again.push((await timed(() => hackedPaths(store, names, memory))).ms);
  }
  const name = `renamed files, ${count(paths)} paths of 20 files`;
  report.add({ name, value: median(times.look), limit: median(times.find), limitName: 'find', target: 3 });
  report.add({ name: `${name}, again`, value: median(times.again) });
  rmSync(directory, { recursive: true });
}

/** Starts with the host's store and without, in turn: the median of the differences, each of two starts side by side. */
async function boots(report, { arch, pairs }) {
  const start = async (store) => {
    const began = performance.now();
    const vm = await Vm.create({ ...vmOptions(arch), store, volume: `boot-${store}` });
    const ready = performance.now() - began;
    await vm.exec('true');
    const command = performance.now() - began;
    const { pid } = readRecord(vm);
    const processes = [pid, ...childrenOf(pid).map((child) => child.pid)];
    const processor = processes.reduce((sum, each) => sum + processorSeconds(each), 0) * 1000;
    await vm.stop();
    return { ready, command, processor };
  };
  const runs = { host: [], image: [] };
  for (let pair = -1; pair < pairs; pair++) {
    for (const store of pair % 2 === 0 ? ['host', 'image'] : ['image', 'host']) {
      const times = await start(store);
      // The first ones make the volumes, and take the snapshot.
      if (pair >= 0) runs[store].push(times);
    }
  }
  for (const [what, name] of [
    ['ready', 'start'],
    ['command', 'start to first command'],
    // What other work on this machine does not change.
    ['processor', 'processor time until then'],
  ]) {
    const differences = runs.host.map((times, index) => times[what] - runs.image[index][what]);
    report.add({
      name: `${name}: more with the host's store`,
      value: median(differences),
      limit: median(runs.image.map((times) => times[what])),
      limitName: 'without',
      target: 300,
      judge: 'value',
      extra: { differences },
    });
  }
}

/** One dev shell whose closure only the host has, three ways: as a layer, as archives, and from a volume that has it from then. */
async function devShells(report, { arch, host, project, closure, guestProbe }) {
  const size = `${Math.round(closure.bytes / 1e6)} MB in ${closure.paths.length} paths`;
  const start = async (store, volume) => {
    const options = { ...vmOptions(arch), store, volume, mounts: [{ source: project }], workdir: project };
    const vm = await Vm.create(options);
    const { vsockPath } = readRecord(vm).spec.machine;
    return { vm, vsockPath, cache: store === 'image' ? null : await CountingCache.before(vsockPath) };
  };
  /** Evaluation, whatever has to be fetched, and the first command. */
  const enter = async ({ vm }) => {
    const { ms } = await timed(async () => {
      const { stdout } = await (await vm.develop({ cache: false })).exec('bench-0');
      if (stdout !== '0\n') throw new Error(`the dev shell says ${JSON.stringify(stdout)}`);
    });
    return ms;
  };
  const readAll = async ({ vm }) => {
    await vm.copyIn(guestProbe, '/tmp/probe');
    const { stdout } = await vm.exec('/tmp/probe', ['read', ...closure.paths]);
    return Number(stdout.trim().split(' ')[1]) / 1000;
  };
  const times = {};

  const archives = await host.asArchives(() => start('auto', 'closure'));
  times.archives = await enter(archives);
  const fetched = { bytes: archives.cache.bytes, layer: 0 };
  if (fetched.bytes !== closure.bytes) throw new Error(`${fetched.bytes} bytes were fetched of ${closure.bytes}`);
  await archives.vm.copyIn(guestProbe, '/tmp/probe');
  times.raw = await pull(archives, closure.bytes);
  await end(archives);

  const layer = await start('host', 'layered');
  times.layer = await enter(layer);
  times.warm = median(await sample(20, async () => (await layer.vm.develop()).exec('true')));
  times.develop = median(await sample(5, () => layer.vm.exec('nix', ['develop', '--offline', '-c', 'true'])));
  await end(layer);

  // Both volumes have seen the dev shell now, neither Nix nor the kernel remembers anything of it.
  for (const [name, store, volume] of [
    ['layer', 'host', 'layered'],
    ['image', 'image', 'closure'],
  ]) {
    const again = await start(store, volume);
    await again.vm.sh('rm -rf ~/.cache/nix');
    times[`${name}Again`] = await enter(again);
    times[`${name}Read`] = await readAll(again);
    if (again.cache !== null) fetched.layer += again.cache.bytes;
    await end(again);
  }
  fetched.layer += layer.cache.bytes;
  if (fetched.layer !== 0) throw new Error(`${fetched.layer} bytes were fetched though the host's store is there`);

  const name = `dev shell of ${size}`;
  report.add({
    name: `${name}, host's store`,
    value: times.layer,
    limit: times.archives,
    limitName: "from the host's cache",
    extra: { bytesFetched: fetched.layer, bytesFetchedFromCache: fetched.bytes },
  });
  report.add({
    name: 'the same, the next time',
    value: times.layerAgain,
    limit: times.imageAgain,
    limitName: 'all on the volume',
    target: 2,
  });
  report.add({
    name: `fetching ${size}`,
    value: times.archives - times.layer,
    limit: times.raw,
    limitName: 'raw vsock, same bytes',
  });
  report.add({
    name: 'all of its files read once',
    value: times.layerRead,
    limit: times.imageRead,
    limitName: 'from the volume',
  });
  report.add({
    name: 'nix develop -c true in it',
    value: times.develop,
    limit: times.warm,
    limitName: 'our warm entry',
  });
}

async function end({ vm, cache }) {
  cache?.close();
  await vm.stop();
}

/** Milliseconds that so many bytes take from the host to the guest with nothing around them. */
async function pull({ vm, vsockPath }, bytes) {
  const block = Buffer.alloc(1 << 20);
  const server = net.createServer(async (socket) => {
    for (let left = bytes; left > 0; left -= block.length) {
      if (socket.write(block.subarray(0, Math.min(left, block.length)))) continue;
      await new Promise((resolve) => socket.once('drain', resolve));
    }
  });
  await new Promise((resolve) => server.listen(`${vsockPath}_${PULL_PORT}`, resolve));
  const { stdout } = await vm.exec('/tmp/probe', ['pull', String(PULL_PORT), String(bytes)]);
  server.close();
  return Number(stdout) / 1000;
}

function vmOptions(arch) {
  return { arch, memory: '1GiB', network: 'none', disk: '4GiB' };
}
