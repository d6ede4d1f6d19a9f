// The bare limits on the host's side: the same kernel on the same VMM without any of our layers above the driver, and one raw
// exchange over vsock.
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { dial } from '../../dist/agent/dial.js';
import { selectDriver } from '../../dist/driver/select.js';

/** Milliseconds from QEMU's start to the agent's first word, with nothing configured and nobody waiting for more. */
export async function bareBoot(spec) {
  const directory = mkdtempSync(path.join(tmpdir(), 'vzb-'));
  const vsockPath = path.join(directory, 'v.sock');
  const server = net.createServer();
  const firstWord = new Promise((resolve) =>
    server.on('connection', (socket) => socket.once('data', () => resolve(performance.now()))),
  );
  await new Promise((resolve) => server.listen(`${vsockPath}_1025`, resolve));
  const machine = await selectDriver('auto').start({
    ...spec,
    disks: spec.disks.filter((disk) => disk.readOnly),
    shares: [],
    vsockPath,
    runDir: directory,
    console: { path: path.join(directory, 'console.log'), maxBytes: 1 << 20 },
  });
  // `start` resolves when QEMU runs; what came before is the daemons.
  const start = performance.now();
  const ms = (await firstWord) - start;
  await machine.stop();
  server.close();
  rmSync(directory, { recursive: true, force: true });
  return ms;
}

/** One connection to an echo server in the guest, one byte there and back. */
export async function rawRoundTrip(vsockPath, port) {
  const { socket } = await dial(vsockPath, port);
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', resolve);
    socket.write('x');
  });
  socket.destroy();
}
