// What a running command is told besides its input. A frame waits behind the input that was written before it, and a command that
// does not read its input would never get it; that is often the one that is to be ended. So after more than a little input these
// go over a connection of their own.

import type { AgentClient } from '../agent/client.ts';
import { FrameType } from '../agent/protocol.ts';
import type { AgentStream } from '../agent/stream.ts';

/** Bytes that a terminal or a pipe takes without anybody reading: so much input never blocks what is sent behind it. */
const ABSORBED = 4096;

/** Sends a signal to the process group of a running command. Resolves when it is on its way; does nothing when the command has ended. */
export async function signalGroup(agent: AgentClient, stream: AgentStream, signal: NodeJS.Signals): Promise<void> {
  if (stream.inputBytes <= ABSORBED) return stream.send(FrameType.SIGNAL, { signal });
  const { pid } = await stream.started;
  if (!stream.over && pid !== null) await agent.signal(pid, signal);
}

/** Tells a running command the size of its terminal. Does nothing when the command has ended. */
export async function resizeTerminal(
  agent: AgentClient,
  stream: AgentStream,
  size: { readonly cols: number; readonly rows: number },
): Promise<void> {
  if (stream.inputBytes <= ABSORBED) return stream.send(FrameType.RESIZE, size);
  const { pid } = await stream.started;
  if (!stream.over && pid !== null) await agent.resize(pid, size);
}
