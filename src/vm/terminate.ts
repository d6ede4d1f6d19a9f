import type { AgentClient } from '../agent/client.ts';
import type { AgentStream } from '../agent/stream.ts';
import { signalGroup } from './past-input.ts';

/** After a kill signal, in milliseconds: the guest has the same patience when a timeout ends a command. */
const KILL_AFTER_MS = 5000;

/**
 * Ends a command: the signal to its process group, SIGKILL five seconds later. Nothing waits for it here. When this process ends
 * first the connection closes, and the guest hangs up on the command by itself.
 */
export function terminate(agent: AgentClient, stream: AgentStream, signal: NodeJS.Signals): void {
  const send = (name: NodeJS.Signals): void => {
    // When it cannot be sent the connection is gone, which `ended` tells.
    signalGroup(agent, stream, name).catch(() => undefined);
  };
  send(signal);
  const force = setTimeout(() => send('SIGKILL'), KILL_AFTER_MS).unref();
  const over = (): void => clearTimeout(force);
  stream.ended.then(over, over);
}

/** Ends a command whose output nobody wants any more; what still comes is dropped, so that its end is seen. */
export function abandon(agent: AgentClient, stream: AgentStream, signal: NodeJS.Signals): void {
  stream.background();
  stream.data.destroy();
  stream.stderr.destroy();
  terminate(agent, stream, signal);
}
