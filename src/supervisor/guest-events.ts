import { createServer, type Server, type Socket } from 'node:net';
import { readEvents } from '../agent/events.ts';
import type { AgentEvent } from '../agent/operations.ts';
import { EVENTS_PORT } from '../agent/protocol.ts';
import { asVzshellError, VzshellError } from '../errors.ts';

type Hello = Extract<AgentEvent, { event: 'hello' }>;

/**
 * The one connection that the guest makes: its agent's events. It is listened for before the machine starts, so nobody polls.
 * The guest is hostile: a second connection is dropped, lines are bounded, nothing in them is trusted further.
 */
export class GuestEvents {
  readonly #server: Server;
  #socket: Socket | null = null;
  #resolveHello: (hello: Hello) => void = () => undefined;
  #rejectHello: (error: unknown) => void = () => undefined;
  #resolveClosed: (error: VzshellError) => void = () => undefined;
  #greeted = false;
  #stopping: string | null = null;

  /** The agent is up. Rejects when it speaks another protocol. */
  readonly hello: Promise<Hello>;
  /** The connection, once made, is gone: the agent is dead, or broke the protocol; the error says which. */
  readonly closed: Promise<VzshellError>;
  /** Called when the number of open streams becomes zero, or more, with the number of those opened since boot. */
  onStreams: (active: number, opened: number) => void = () => undefined;
  /** Called when the guest has forgotten inodes of shares: how many it remembered, and how many it does. */
  onTrimmed: (before: number, after: number) => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.hello = new Promise((resolve, reject) => {
      this.#resolveHello = resolve;
      this.#rejectHello = reject;
    });
    // Nobody may be waiting for it when a start ends early.
    this.hello.catch(() => undefined);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    server.on('connection', (socket) => void this.#accept(socket));
  }

  /** Listens where the driver delivers what the guest dials: `<vsockPath>_1025`. */
  static async listen(vsockPath: string): Promise<GuestEvents> {
    const server = createServer();
    const events = new GuestEvents(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`${vsockPath}_${EVENTS_PORT}`, resolve);
    });
    return events;
  }

  /** True from the agent's hello until its connection closes. */
  get connected(): boolean {
    return this.#greeted && this.#socket !== null && !this.#socket.destroyed;
  }

  /** Why the guest said it would power off; null when it did not. */
  get stopping(): string | null {
    return this.#stopping;
  }

  close(): void {
    this.#server.close();
    this.#socket?.destroy();
  }

  async #accept(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (this.#socket !== null) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    let error = new VzshellError('ERR_AGENT', 'the guest agent is gone: its event connection closed');
    try {
      for await (const event of readEvents(socket)) this.#take(event);
    } catch (cause) {
      error = asVzshellError(cause, 'ERR_AGENT');
    }
    this.#rejectHello(error);
    this.#resolveClosed(error);
  }

  #take(event: AgentEvent): void {
    if (event.event === 'hello') {
      this.#greeted = true;
      this.#resolveHello(event);
    } else if (event.event === 'streams') this.onStreams(event.active, event.opened);
    else if (event.event === 'trimmed') this.onTrimmed(event.before, event.after);
    else if (event.event === 'stopping') this.#stopping = event.reason;
  }
}
