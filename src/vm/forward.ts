import net from 'node:net';
import { onAbort } from '../agent/abort.ts';
import { ConnectionLost } from '../agent/errors.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';
import { checkPort } from './connect-guest.ts';
import type { CommandContext } from './context.ts';
import type { ForwardOptions, PortForward } from './types.ts';

/**
 * Listens on the host and carries every connection to a port of the guest. It lives until it is closed, its signal aborts, or the
 * VM is gone; a port on which nobody listens in the guest only closes the connection that asked for it.
 */
export async function forward(context: CommandContext, options: ForwardOptions): Promise<PortForward> {
  const { host = '127.0.0.1', hostPort = 0, signal } = options;
  const guestPort = checkPort('guestPort', options.guestPort);
  if (hostPort !== 0) checkPort('hostPort', hostPort);
  signal?.throwIfAborted();

  const connections = new Set<net.Socket>();
  // Half-open: one side's end must not cut off the answer of the other.
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const { port } = await listen(server, host, hostPort);
  // A forward that nobody waits for lets a script end; see `closed`.
  server.unref();

  let closing: Promise<void> | undefined;
  const closed = new Promise<void>((resolve) => {
    server.once('close', resolve);
  });
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      offAbort();
      server.close(() => resolve());
      for (const connection of connections) connection.destroy();
    });
    return closing;
  };
  const offAbort = onAbort(signal, () => void close());

  server.on('connection', (connection) => {
    connection.unref();
    connections.add(connection.once('close', () => connections.delete(connection)));
    carry(context, connection, guestPort).catch((error: unknown) => {
      connection.destroy();
      // Nothing will ever come through again: a listener that lives on would look as if it worked.
      if (error instanceof ConnectionLost) void close();
    });
  });

  return {
    host,
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    get closed() {
      server.ref();
      return closed;
    },
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: net.Server, host: string, port: number): Promise<net.AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why: Readonly<Record<string, string>> = {
        EADDRINUSE: 'another program listens there',
        EACCES: 'only root may listen there',
        EADDRNOTAVAIL: 'this host has no such address',
        ENOTFOUND: 'this host has no such address',
      };
      const reason = (cause.code !== undefined && why[cause.code]) || cause.message;
      reject(
        new VzshellError('ERR_INVALID_OPTION', `cannot listen on ${host}:${port}: ${reason}`, {
          cause,
          hint: 'choose another host port, or leave it out to get a free one',
          details: { errno: cause.code, host, port },
        }),
      );
    });
    server.listen({ host, port }, () => resolve(server.address() as net.AddressInfo));
  });
}

/** One connection from its first byte to its last. Rejects when the guest cannot be reached or refuses it. */
async function carry(context: CommandContext, connection: net.Socket, port: number): Promise<void> {
  connection.on('error', () => undefined);
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  connection.once('close', onClose);
  let stream: AgentStream;
  try {
    stream = await context.agent.open({ op: 'connect', port }, { signal: gone.signal });
  } finally {
    connection.off('close', onClose);
  }
  stream.background();
  connection.once('close', () => stream.destroy());
  if (connection.destroyed) stream.destroy();
  connection.pipe(stream.input);
  stream.data.pipe(connection);
  // pipe() does not pass on a failure of its source, and the host's client must see that the stream was cut.
  stream.ended.catch(() => connection.destroy());
  // The guest's side is closed for good: what the client still sends has nowhere to go.
  stream.data.once('end', () => stream.ended.then(() => connection.destroySoon()).catch(() => undefined));
}
