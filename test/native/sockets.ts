// Sockets of tests: through the handshake, back and forth, and to their ends.

import net from 'node:net';

/** A connection through a served socket, after its `OK`. */
export async function dial(path: string, port: number): Promise<net.Socket> {
  const socket = net.connect({ path, allowHalfOpen: true });
  socket.on('error', () => socket.destroy());
  socket.write(`CONNECT ${port}\n`);
  const answer = await new Promise<string>((resolve) => {
    let line = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      line = Buffer.concat([line, chunk]);
      const end = line.indexOf('\n') + 1;
      if (end === 0) return;
      socket.off('data', read).pause();
      // The guest may speak first: what comes behind the answer is the caller's.
      if (line.length > end) socket.unshift(line.subarray(end));
      resolve(line.toString('latin1', 0, end));
    };
    socket.on('data', read).once('close', () => resolve(line.toString('latin1')));
  });
  if (!/^OK \d+\n$/.test(answer)) throw new Error(`CONNECT ${port} was answered '${answer}'`);
  return socket;
}

/** Sends bytes that are echoed, at most `window` of them under way, and gives back what came. */
export async function roundTrip(socket: net.Socket, bytes: Buffer, window: number = bytes.length): Promise<Buffer> {
  const back: Buffer[] = [];
  let received = 0;
  let sent = 0;
  const send = (): void => {
    const end = Math.min(bytes.length, received + window);
    if (end > sent) socket.write(bytes.subarray(sent, end));
    sent = end;
  };
  return await new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error(`closed with ${bytes.length - received} bytes to come`));
    const onData = (chunk: Buffer): void => {
      back.push(chunk);
      received += chunk.length;
      if (received < bytes.length) {
        send();
        return;
      }
      socket.off('data', onData).off('close', onClose).pause();
      resolve(Buffer.concat(back));
    };
    socket.on('data', onData).on('close', onClose).on('error', reject).resume();
    send();
  });
}

/** Destroys a socket, and waits until that is done. */
export async function destroyed(socket: net.Socket): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
}

/** Ends our half, and waits until the other side has ended its own. */
export async function ended(socket: net.Socket): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume().end();
  await closed;
}
