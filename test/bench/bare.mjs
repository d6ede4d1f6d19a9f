// The bare limits on the host's side: the same kernel on the same VMM without any of our layers above the driver, and one raw
// exchange over vsock.
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AgentClient } from '../../dist/agent/client.js';
import { dial } from '../../dist/agent/dial.js';
import { selectDriver } from '../../dist/driver/select.js';
import { startedAt } from './host-cost.mjs';

/**
 * Milliseconds from QEMU's start to the first instruction of the agent, with nothing configured and nobody waiting for more: the
 * arrival of its first word, less the time that the agent itself says it took to get that far.
 */
export async function bareBoot(spec) {
  const directory = mkdtempSync(path.join(tmpdir(), 'vzb-'));
  const vsockPath = path.join(directory, 'v.sock');
  const server = net.createServer();
  const firstWord = new Promise((resolve) => {
    server.on('connection', (socket) => socket.once('data', () => resolve(Date.now())));
  });
  await new Promise((resolve) => server.listen(`${vsockPath}_1025`, resolve));
  const machine = await selectDriver('auto').start({
    ...spec,
    disks: spec.disks.filter((disk) => disk.readOnly),
    shares: [],
    vsockPath,
    runDir: directory,
    console: { path: path.join(directory, 'console.log'), maxBytes: 1 << 20 },
  });
  const qemu = machine.processes().find(({ name }) => name.startsWith('qemu'));
  const ms = (await firstWord) - startedAt(qemu.pid);
  const log = await new AgentClient(vsockPath).log();
  const began = /(?:agent runs|process 1) since (\d+) ms, the host is told at (\d+) ms/.exec(log);
  await machine.stop();
  server.close();
  rmSync(directory, { recursive: true, force: true });
  if (began === null) throw new Error(`the agent's log does not say when it began:\n${log}`);
  const [first, told] = began.slice(1).map(Number);
  return ms - (told - first);
}

/** One connection to an echo server in the guest, one byte there and back. */
export async function rawRoundTrip(vsockPath, port) {
  const { socket } = await dial(vsockPath, port);
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', resolve);
    // `dial` hands it over paused.
    socket.resume();
    socket.write('x');
  });
  socket.destroy();
}
