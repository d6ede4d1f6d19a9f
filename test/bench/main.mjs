// The bench: boots one VM, measures what users feel, each figure beside its bare limit. See scripts/bench.
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Vm } from '../../dist/index.js';
import { bareBoot, rawRoundTrip } from './bare.mjs';
import { childrenOf, memoryOf, processorSeconds } from './host-cost.mjs';
import { quantile, Report, sample, timed } from './measure.mjs';
import { stores } from './store.mjs';
import { buildProbe, makeSmallFiles, readRecord, run } from './workload.mjs';

const { values: options } = parseArgs({
  options: {
    arch: { type: 'string', default: 'arm64' },
    quick: { type: 'boolean', default: false },
    store: { type: 'boolean', default: false },
  },
});
const MIB = 1024 ** 2;
const ECHO_PORT = 5000;
const root = path.resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(path.join(tmpdir(), 'vzbench-'));
process.env.VZSHELL_HOME = path.join(scratch, 'home');
const report = new Report();

/** Start, first command, stop: seven cold starts on one volume, beside the same kernel started bare. */
async function starts() {
  const runs = { agent: [], command: [], stop: [] };
  let spec = null;
  const bare = [];
  for (let round = 0; round < 7; round++) {
    const began = performance.now();
    let agent = 0;
    const vm = await Vm.create({
      ...vmOptions,
      volume: 'bench',
      onProgress: ({ phase, elapsed }) => {
        if (phase === 'mounts') agent = elapsed;
      },
    });
    await vm.exec('true');
    runs.command.push(performance.now() - began);
    runs.agent.push(agent);
    spec ??= readRecord(vm).spec.machine;
    runs.stop.push((await timed(() => vm.stop())).ms);
    bare.push(await bareBoot(spec));
  }
  const limit = quantile(bare, 0.5);
  report.add({ name: 'start to agent', value: quantile(runs.agent, 0.5), limit, limitName: 'QEMU to agent' });
  report.add({
    name: 'start to first command',
    value: quantile(runs.command, 0.5),
    limit,
    limitName: 'QEMU to agent',
    target: 1.3,
  });
  report.add({ name: 'stop', value: quantile(runs.stop, 0.5), target: 1000 });
}

/** One command, 64 at once, and the same work without us. */
async function commands(vm) {
  const { spec } = readRecord(vm);
  const probe = await vm.spawn('/tmp/probe', ['echo', String(ECHO_PORT)], { user: 'root' });
  for await (const line of probe.lines()) if (line === 'listening') break;
  const raw = await sample(30, () => rawRoundTrip(spec.machine.vsockPath, ECHO_PORT));
  await probe.kill('SIGKILL');
  const forkexec = Number((await vm.exec('/tmp/probe', ['forkexec', '30', '/bin/true'])).stdout) / 1000;
  const exec = await sample(40, () => vm.exec('/bin/true'));
  report.add({
    name: 'command in a running VM, p50',
    value: quantile(exec, 0.5),
    limit: quantile(raw, 0.5) + forkexec,
    limitName: 'raw vsock + fork/exec',
    target: 3,
    extra: { p95: quantile(exec, 0.95), rawVsock: quantile(raw, 0.5), forkexec },
  });
  report.add({ name: 'command in a running VM, p95', value: quantile(exec, 0.95) });
  const { ms } = await timed(() => Promise.all(Array.from({ length: 64 }, () => vm.exec('/bin/true'))));
  report.add({ name: '64 commands at once', value: ms, target: 3000 });
}

/** The dev shell, over a plain command and beside bash with the same environment. */
async function devShells(vm) {
  const plain = quantile(await sample(20, () => vm.exec('true')), 0.5);
  const bash = quantile(await sample(20, () => vm.exec('bash', ['-c', 'true'])), 0.5);
  const cold = await timed(() => vm.develop());
  report.add({ name: 'dev shell, cold (evaluation)', value: cold.ms });
  const warm = quantile(await sample(20, async () => (await vm.develop()).exec('true')), 0.5);
  report.add({
    name: 'dev shell, warm, over a plain command',
    value: Math.max(0, warm - plain),
    limit: bash,
    limitName: 'bash -c true in the guest',
    target: 3,
    extra: { warm, plain },
  });
  const real = quantile(await sample(3, () => vm.exec('nix', ['develop', '--offline', '-c', 'true'])), 0.5);
  report.add({ name: 'nix develop -c true in the guest', value: real, limit: warm, limitName: 'our warm entry' });
}

/** Bytes through stdin and stdout, a copy in, and small files read from the mount. */
async function bytes(vm, project) {
  const size = (options.quick ? 64 : 1024) * MIB;
  const block = randomBytes(MIB);
  const expected = createHash('sha256');
  const actual = createHash('sha256');
  async function* input() {
    for (let sent = 0; sent < size; sent += MIB) {
      expected.update(block);
      yield block;
    }
  }
  const sink = new Writable({ write: (chunk, _, done) => done(void actual.update(chunk)) });
  const cat = await vm.spawn('cat');
  const through = await timed(async () => {
    const out = cat.stdout.pipe(sink);
    for await (const chunk of input())
      if (!cat.stdin.write(chunk)) await new Promise((r) => cat.stdin.once('drain', r));
    cat.stdin.end();
    await new Promise((resolve) => out.on('finish', resolve));
    await cat.exited;
  });
  if (expected.digest('hex') !== actual.digest('hex')) throw new Error('bytes were lost between stdin and stdout');
  const rate = size / MIB / (through.ms / 1000);
  report.add({ name: `${size / MIB} MiB stdin to stdout, hashed`, value: rate, unit: 'MiB/s' });

  const file = path.join(scratch, '100MB');
  writeFileSync(file, Buffer.alloc(100e6, randomBytes(1e6)));
  report.add({ name: 'copy 100 MB in', value: (await timed(() => vm.copyIn(file, '/tmp/100MB'))).ms });

  makeSmallFiles(path.join(project, 'small'), 5000);
  const mounted = await vm.exec('/tmp/probe', ['read', path.join(project, 'small')]);
  const local = await run(process.env.VZBENCH_HOST_PROBE, ['read', path.join(project, 'small')]);
  const micros = (text) => Number(text.trim().split(' ')[1]) / 1000;
  report.add({
    name: '5,000 small files from the mount',
    value: micros(mounted.stdout),
    limit: micros(local),
    limitName: 'on the host',
  });
}

/** Memory and idle processor time of the host's processes. */
async function cost(vm) {
  await vm.exec('sync');
  const { pid } = readRecord(vm);
  const processes = childrenOf(pid);
  const all = [{ name: 'supervisor', pid }, ...processes];
  const memory = all.map((each) => ({ ...each, ...memoryOf(each.pid) }));
  const before = all.map((each) => processorSeconds(each.pid));
  const window = 10;
  await pause(window * 1000);
  const used = all.map((each, index) => ({
    ...each,
    percent: ((processorSeconds(each.pid) - before[index]) / window) * 100,
  }));
  report.add({ name: 'supervisor, resident', value: memory[0].rss, unit: 'MiB', target: 80 });
  report.add({
    name: 'everything on the host, PSS',
    value: memory.reduce((sum, each) => sum + each.pss, 0),
    unit: 'MiB',
    target: 330,
    extra: { processes: memory },
  });
  const beside = used.filter((each) => !each.name.startsWith('qemu'));
  report.add({
    name: 'idle processor beside QEMU',
    value: beside.reduce((sum, each) => sum + each.percent, 0),
    unit: '% of a core',
    target: 1,
    extra: { processes: used },
  });
}

/** The CLI as typed, beside the smallest node program. */
async function commandLine(project) {
  const cli = path.join(root, 'bin/vzshell.js');
  const args = ['--arch', options.arch, '--', 'true'];
  await run(process.execPath, [cli, ...args], { cwd: project });
  const node = quantile(await sample(10, () => run(process.execPath, ['-e', '0'])), 0.5);
  const warm = quantile(await sample(20, () => run(process.execPath, [cli, ...args], { cwd: project })), 0.5);
  report.add({ name: 'vzshell -- true, running VM', value: warm, limit: node, limitName: 'node -e 0', target: 2.5 });
  await run(process.execPath, [cli, 'stop'], { cwd: project });
}

const vmOptions = { arch: options.arch, memory: '1GiB', network: 'none' };
const project = path.join(scratch, 'hello');
/** All that has to do with machines and commands. */
async function machines(guestProbe) {
  mkdirSync(project, { recursive: true });
  process.env.VZBENCH_HOST_PROBE = await buildProbe(scratch, process.arch === 'arm64' ? 'arm64' : 'amd64');
  cpSync(path.join(root, 'examples/hello'), project, { recursive: true });
  await starts();
  const vm = await Vm.create({ ...vmOptions, mounts: [{ source: project }], workdir: project });
  try {
    await cost(vm);
    await vm.copyIn(guestProbe, '/tmp/probe');
    await commands(vm);
    await devShells(vm);
    await bytes(vm, project);
  } finally {
    await vm.stop();
  }
  await commandLine(project);
}

try {
  const guestProbe = await buildProbe(scratch, options.arch === 'arm64' ? 'arm64' : 'amd64');
  if (!options.store) await machines(guestProbe);
  await stores(report, { ...options, root, scratch, guestProbe });
  report.print();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
