// Runs one machine for the look-alike, as macOS has one service process per machine: the product's own QEMU driver behind a
// channel of JSON lines on descriptor 3. When the channel ends, its owner is gone, and everything ends. What it has to say last
// (`guest-stopped`, `error`) comes before its exit, which is the machine's end.

import { readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { createQemuDriver } from '../../dist/driver/qemu/driver.js';
import { validateMachineSpec } from '../../dist/driver/spec.js';
import { Console } from './console.mjs';
import { machineSpec } from './machine-spec.mjs';
import { Shares } from './shares.mjs';

const owner = new net.Socket({ fd: 3 });
const given = new AbortController();
let machine = null;
let shares = null;
let output = null;
let stopping = false;
/** Set when the owner is gone: all in the directory is nobody's then. */
let orphaned = false;
let home = null;

const say = (message) => new Promise((resolve) => owner.write(`${JSON.stringify(message)}\n`, () => resolve()));

const commands = {
  start,
  stop: () => end(),
  pause: () => machine.pause().then(() => say({ event: 'paused' })),
  resume: () => machine.resume().then(() => say({ event: 'resumed' })),
  park: async () => output.park(),
  share: async ({ index, share }) => shares.replace(index, share),
};

async function start({ directory, configuration, ...handles }) {
  home = directory;
  shares = new Shares(join(directory, 's'));
  output = new Console(directory, configuration.serialPorts, handles);
  const spec = machineSpec({
    directory,
    configuration,
    console: output.path,
    shares: await shares.open(configuration),
  });
  validateMachineSpec(spec);
  machine = await createQemuDriver().start(spec, given.signal);
  machine.stopped.then(async (exit) => {
    await output.close();
    await leave(exit);
  });
  await say({ event: 'started', processes: machine.processes() });
}

/** QEMU is gone, and all that served it. */
async function leave({ reason, error }) {
  await shares.close();
  if (reason === 'guest-shutdown') await say({ event: 'guest-stopped' });
  if (reason === 'error') await say({ event: 'error', message: error.message });
  quit(0);
}

/** Also while it starts: then `start` fails, and nothing of it is left. */
function end() {
  stopping = true;
  given.abort(new Error('stopped'));
  if (machine !== null) void machine.stop();
}

async function run(line) {
  const { command, ...rest } = JSON.parse(line);
  try {
    await commands[command](rest);
  } catch (error) {
    const message = `${error.message}${error.hint ? `\n${error.hint}` : ''}`;
    if (command === 'start') await failStart(message);
    else if (command === 'pause' || command === 'resume') await say({ event: 'failed', message });
    else process.stderr.write(`look-alike: ${command}: ${message}\n`);
  }
}

async function failStart(message) {
  if (!stopping) await say({ event: 'error', message });
  await shares?.close();
  quit(1);
}

/** Leaves nothing but the sockets on which a living owner listens. */
function quit(status) {
  const kept = (name) => !orphaned && name.startsWith('v.sock_');
  const names = readdirSync(home);
  for (const name of names.filter((name) => !kept(name))) rmSync(join(home, name), { recursive: true, force: true });
  if (!names.some(kept)) rmSync(home, { recursive: true, force: true });
  process.exit(status);
}

let buffer = '';
owner.on('data', (chunk) => {
  buffer += chunk;
  for (let at = buffer.indexOf('\n'); at >= 0; at = buffer.indexOf('\n')) {
    void run(buffer.slice(0, at));
    buffer = buffer.slice(at + 1);
  }
});
const gone = () => {
  orphaned = true;
  if (home === null) process.exit(0);
  end();
};
owner.on('end', gone);
owner.on('error', gone);
