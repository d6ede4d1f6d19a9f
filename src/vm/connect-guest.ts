import { Duplex } from 'node:stream';
import { onAbort } from '../agent/abort.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';
import { type CommandContext, explain, explained } from './context.ts';
import type { Abortable, GuestAddress } from './types.ts';

/** Connects to a TCP port or a unix socket in the guest. Both directions end on their own: `end()` leaves reading open. */
export async function connectGuest(
  context: CommandContext,
  address: GuestAddress,
  options: Abortable = {},
): Promise<Duplex> {
  const { signal } = options;
  const target = checkAddress(address);
  const stream = await explained(context, () => context.agent.open({ op: 'connect', ...target }, signal && { signal }));
  stream.unref();
  return joined(context, stream, signal);
}

function joined(context: CommandContext, stream: AgentStream, signal: AbortSignal | undefined): Duplex {
  // A duplex of the two halves: Duplex.from would close both as soon as one of them failed or was destroyed.
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => {
      stream.data.resume();
    },
    write: (chunk: Buffer, _encoding, callback) => {
      if (stream.over)
        callback(Object.assign(new Error('the other side has closed the connection'), { code: 'EPIPE' }));
      else if (stream.input.write(chunk)) callback();
      else onceDrained(stream, callback);
    },
    final: (callback) => {
      if (stream.over) callback();
      else stream.input.end(() => callback());
    },
    destroy: (error, callback) => {
      offAbort();
      stream.destroy();
      callback(error);
    },
  });
  const offAbort = onAbort(signal, (reason) =>
    duplex.destroy(reason instanceof Error ? reason : new Error(String(reason))),
  );
  stream.data.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) stream.data.pause();
  });
  stream.data.pause();
  stream.data.on('end', () => duplex.push(null));
  stream.ended.catch(async (error: unknown) => {
    if (duplex.destroyed) return;
    const reason = await explain(context, error);
    duplex.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  });
  return duplex;
}

function onceDrained(stream: AgentStream, callback: () => void): void {
  const go = (): void => {
    stream.input.off('drain', go).off('close', go);
    callback();
  };
  stream.input.on('drain', go).on('close', go);
}

function checkAddress(
  address: GuestAddress,
): { readonly port: number; readonly host?: string } | { readonly path: string } {
  if ('path' in address) {
    if (typeof address.path === 'string' && address.path.startsWith('/') && !address.path.includes('\0'))
      return { path: address.path };
    throw invalid(`expected \`path\` to be an absolute path of a socket in the guest, got '${String(address.path)}'`);
  }
  const { host } = address;
  if (host !== undefined && (typeof host !== 'string' || host === ''))
    throw invalid(`expected \`host\` to be a name or an address, got '${String(host)}'`);
  return { port: checkPort('port', address.port), ...(host !== undefined && { host }) };
}

/** A TCP port that one can connect to. */
export function checkPort(option: string, port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw invalid(`expected \`${option}\` to be a port from 1 to 65535, got \`${String(port)}\``);
}

function invalid(message: string): VzshellError {
  return new VzshellError('ERR_INVALID_OPTION', message);
}
