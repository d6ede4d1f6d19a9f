// What the addon costs, on this host, over the look-alike: `node test/bench/native.mjs`. Rounds of what is compared are interleaved, so
// that a busy host burdens both; medians are printed as JSON, with the limits of issue 4.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { join } from 'node:path';
import { AgentClient } from '../../dist/agent/client.js';

const root = new URL('../..', import.meta.url).pathname;
const addon = process.env.VZSHELL_VZ_ADDON ?? join(root, 'build/Release/vz.node');
const vz = createRequire(import.meta.url)(addon);
const guest = join(root, 'build/guest/arm64');
const directory = mkdtempSync('/tmp/vzn-');
const CHUNK = Buffer.alloc(1024 * 1024);
const MEGABYTES = 512;
const CONNECTS = 200;

function nobody() {
  // What is told is of no interest.
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

function config(shares = []) {
  const image = { kind: 'image', path: join(guest, 'root.erofs'), readOnly: true };
  return {
    cpus: 1,
    memory: 512 * 1024 * 1024,
    boot: {
      kind: 'linux',
      kernel: join(guest, 'kernel'),
      initrd: join(guest, 'initrd'),
      cmdline: 'console=hvc0 panic=-1 quiet',
    },
    platform: { machineIdentifier: null, nestedVirtualization: false },
    storage: [{ device: 'virtio', id: 'image', attachment: image }],
    network: [],
    shares,
    vsock: true,
    serial: [{ kind: 'none' }],
    consoles: [],
    entropy: true,
    balloon: false,
    graphics: [],
    keyboard: false,
    pointer: false,
    sound: [],
    usb: [],
  };
}

/** The directory that the look-alike made for the newest machine; its sockets lie there. */
function machineDirectory() {
  const all = readdirSync('/tmp')
    .filter((name) => name.startsWith('vzl-'))
    .map((name) => join('/tmp', name));
  const found = all
    .filter((path) => existsSync(join(path, 'v.sock')))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return found[0];
}

/** Milliseconds for one connection and its first byte back, closed again. */
async function connectAddon(machine) {
  const begin = performance.now();
  const { fd, id } = await machine.connect(5000, 30_000);
  const socket = new net.Socket({ fd });
  await echo(socket);
  const took = performance.now() - begin;
  socket.destroy();
  machine.release(id);
  return took;
}

async function connectDirect(path) {
  const begin = performance.now();
  const socket = net.connect(path);
  socket.write('CONNECT 5000\n');
  await new Promise((resolve) => socket.once('data', resolve));
  await echo(socket);
  const took = performance.now() - begin;
  socket.destroy();
  return took;
}

function echo(socket) {
  socket.write('x');
  return new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
}

/** MB/s of one direction: from here, through `path`, into the sink, until that has counted it all. */
async function pour(path, request) {
  const socket = net.connect({ path, allowHalfOpen: true });
  if (request) {
    socket.write(request);
    await new Promise((resolve) => socket.once('data', resolve));
  }
  const answer = new Promise((resolve) => socket.once('data', (data) => resolve(String(data))));
  const begin = performance.now();
  for (let i = 0; i < MEGABYTES; i++) {
    if (!socket.write(CHUNK)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  const counted = Number(await answer);
  if (counted !== MEGABYTES * CHUNK.length) throw new Error(`${counted} bytes came through ${path}`);
  return MEGABYTES / ((performance.now() - begin) / 1000);
}

async function connects() {
  process.env.VZ_LOOKALIKE_HELPER = join(root, 'test/lookalike/helper');
  const tools = join(directory, 'tools');
  execFileSync('go', ['build', '-trimpath', '-o', join(tools, 'probe'), '.'], {
    cwd: join(root, 'test/bench/probe'),
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/local/go/bin`, GOARCH: 'arm64', CGO_ENABLED: '0' },
  });
  const machine = new vz.Machine(
    config([{ tag: 'tools', share: { kind: 'single', directory: { path: tools, readOnly: true } } }]),
    nobody,
  );
  const path = join(directory, 'v.sock');
  const hello = net.createServer().listen(`${path}_1025`);
  const said = new Promise((resolve) => hello.once('connection', resolve));
  await machine.serve(path, [1025]);
  await machine.start();
  (await said).destroy();
  hello.close();
  const agent = new AgentClient(path);
  await agent.configure({
    hostname: 'bench',
    unixMs: Date.now(),
    user: { name: 'alice', uid: 1000, gid: 1000, group: 'alice', home: '/home/alice', shell: '/bin/bash' },
    shares: [{ tag: 'tools', target: '/mnt/tools', readOnly: true }],
    volume: null,
    tmpfsStore: true,
    network: 'none',
    nix: { conf: '' },
    env: {},
  });
  const program = await agent.open({
    op: 'exec',
    argv: ['/mnt/tools/probe', 'echo', '5000'],
    user: 'root',
    stdin: false,
  });
  program.ended.catch(nobody);
  await new Promise((resolve) => program.data.once('data', resolve));
  const direct = join(machineDirectory(), 'v.sock');
  const times = { addon: [], direct: [] };
  for (let i = 0; i < CONNECTS; i++) {
    times.addon.push(await connectAddon(machine));
    times.direct.push(await connectDirect(direct));
  }
  await machine.close();
  return { addonMs: median(times.addon), directMs: median(times.direct) };
}

async function splices() {
  process.env.VZ_LOOKALIKE_HELPER = `${process.execPath} ${join(root, 'test/native/echo-helper.mjs')}`;
  const machine = new vz.Machine(config(), nobody);
  const path = join(directory, 's.sock');
  await machine.serve(path, []);
  await machine.start();
  const sink = join(machineDirectory(), 'sink.sock');
  const through = join(directory, 'socat.sock');
  const socat = spawn('socat', ['-b', '65536', `UNIX-LISTEN:${through},fork`, `UNIX-CONNECT:${sink}`], {
    stdio: 'inherit',
  });
  try {
    await new Promise((resolve, reject) => {
      socat.once('error', reject);
      const look = setInterval(() => {
        if (!existsSync(through)) return;
        clearInterval(look);
        resolve();
      }, 20);
    });
    const rates = { addon: [], socat: [] };
    for (let round = 0; round < 7; round++) {
      rates.addon.push(await pour(path, 'CONNECT 5001\n'));
      rates.socat.push(await pour(through, null));
    }
    return { addonMBs: median(rates.addon), socatMBs: median(rates.socat) };
  } finally {
    socat.kill();
    await machine.close();
  }
}

/** Milliseconds that `require` takes. `preloaded` is there before: on a Mac, Foundation comes out of the system's cache. */
function requires(preloaded) {
  const code = `const t = performance.now(); require(${JSON.stringify(addon)}); console.log(performance.now() - t);`;
  const env = { ...process.env, LD_PRELOAD: preloaded };
  return Number(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8', env }));
}

/** GNUstep's base library, as the addon names it. */
function gnustep() {
  return /(libgnustep-base\.so\.\S+)/.exec(execFileSync('ldd', [addon], { encoding: 'utf8' }))?.[1] ?? '';
}

try {
  const library = gnustep();
  const loads = Array.from({ length: 21 }, () => ({ all: requires(''), own: requires(library) }));
  const requireMs = median(loads.map(({ own }) => own));
  const { addonMBs, socatMBs } = await splices();
  const { addonMs, directMs } = await connects();
  const round = (value) => Math.round(value * 100) / 100;
  const result = {
    require: { ms: round(requireMs), withGnustepMs: round(median(loads.map(({ all }) => all))), limit: 20 },
    connect: { addonMs: round(addonMs), directMs: round(directMs), ratio: round(addonMs / directMs), limit: 2 },
    splice: { addonMBs: round(addonMBs), socatMBs: round(socatMBs), ratio: round(addonMBs / socatMBs), least: 0.8 },
  };
  console.log(JSON.stringify(result, null, 2));
  const met = requireMs <= 20 && addonMs <= 2 * directMs && addonMBs >= 0.8 * socatMBs;
  process.exitCode = met ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
