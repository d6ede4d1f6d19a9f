// A helper of the look-alike with no guest: its machine is a process that echoes on port 5000 and swallows on port 5001, where it
// answers the first byte after an end with how many came. For what must be sure or fast: under load vhost-device-vsock 0.3 stops
// reading a connection for good, so bytes by the gigabyte are not asked of it.

import net from 'node:net';
import { join } from 'node:path';

const owner = new net.Socket({ fd: 3 });
const say = (message) => owner.write(`${JSON.stringify(message)}\n`);

const ports = {
  5000: (socket) => socket.pipe(socket),
  5001(socket) {
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('end', () => socket.end(`${bytes}\n`));
  },
};

function serve(socket) {
  socket.on('error', () => socket.destroy());
  socket.once('data', (chunk) => {
    const end = chunk.indexOf('\n') + 1;
    const port = /^CONNECT (\d+)\n$/.exec(chunk.toString('latin1', 0, end))?.[1];
    if (ports[port] === undefined) return socket.destroy();
    socket.pause();
    if (chunk.length > end) socket.unshift(chunk.subarray(end));
    socket.write(`OK ${port}\n`);
    ports[port](socket);
    socket.resume();
  });
}

const commands = {
  start({ directory }) {
    net
      .createServer({ allowHalfOpen: true }, serve)
      .listen(join(directory, 'v.sock'), () => say({ event: 'started', processes: [] }));
    // The same without a handshake, for what is measured against.
    net.createServer({ allowHalfOpen: true }, ports[5001]).listen(join(directory, 'sink.sock'));
  },
  stop: () => process.exit(0),
  pause: () => say({ event: 'paused' }),
  resume: () => say({ event: 'resumed' }),
};

let buffer = '';
owner.on('data', (chunk) => {
  buffer += chunk;
  for (let at = buffer.indexOf('\n'); at >= 0; at = buffer.indexOf('\n')) {
    const { command, ...rest } = JSON.parse(buffer.slice(0, at));
    buffer = buffer.slice(at + 1);
    commands[command]?.(rest);
  }
});
owner.on('end', () => process.exit(0)).on('error', () => process.exit(0));
