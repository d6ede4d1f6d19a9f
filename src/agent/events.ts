// The guest's events, one JSON object a line. Read by the supervisor, for the machine's whole life: so memory is one line, whatever
// the guest sends, and a consumer that is slow slows the guest down.

import type net from 'node:net';
import { VzshellError } from '../errors.ts';
import { decodeEvent } from './decode.ts';
import { explainViolation } from './errors.ts';
import type { AgentEvent } from './operations.ts';
import { MAX_EVENT_LINE, PROTOCOL_VERSION, ProtocolError } from './protocol.ts';

/**
 * The events of one connection, the hello first. Ends when the connection does, however that happens: the agent is then dead.
 * Throws ERR_PROTOCOL on anything that is no event, and when the guest speaks another version.
 */
export async function* readEvents(socket: net.Socket): AsyncGenerator<AgentEvent, void, undefined> {
  const lines = new LineCutter();
  let greeted = false;
  try {
    for await (const chunk of chunks(socket)) {
      for (const line of lines.push(chunk)) {
        const event = decodeEvent(line);
        if (event.event === 'hello') checkVersion(event);
        else if (!greeted) throw new ProtocolError(`"${event.event}" came before the hello`);
        greeted = true;
        yield event;
      }
    }
  } catch (error) {
    throw explainViolation(error);
  } finally {
    socket.destroy();
  }
}

/** A connection that breaks has ended; how is of no use to anybody here. */
async function* chunks(socket: net.Socket): AsyncGenerator<Buffer, void, undefined> {
  socket.on('error', () => undefined);
  const iterator: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Buffer>;
    try {
      next = await iterator.next();
    } catch {
      return;
    }
    if (next.done === true) return;
    yield next.value;
  }
}

function checkVersion(hello: { readonly protocol: number; readonly version: string }): void {
  if (hello.protocol === PROTOCOL_VERSION) return;
  throw new VzshellError(
    'ERR_PROTOCOL',
    `the guest's agent ${hello.version} speaks protocol ${hello.protocol}, this vzshell speaks ${PROTOCOL_VERSION}`,
    { hint: 'the guest image and vzshell are of different versions: rebuild or download the image' },
  );
}

/** Cuts bytes into lines without their ends. Keeps at most one incomplete line. */
export class LineCutter {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const lines: Buffer[] = [];
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      if (end > MAX_EVENT_LINE) break;
      lines.push(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > MAX_EVENT_LINE) throw new ProtocolError(`an event of over ${MAX_EVENT_LINE} bytes`);
    this.#pending = bytes;
    return lines;
  }
}
