import type { AgentClient } from '../agent/client.ts';
import { FrameType } from '../agent/protocol.ts';
import type { AgentStream } from '../agent/stream.ts';

/** Bytes that a terminal or a pipe takes without anybody reading: so much input never blocks what is sent behind it. */
const ABSORBED = 4096;

/**
 * Sends a signal to the process group of a running command. Resolves when it is on its way; does nothing when the command has ended.
 *
 * A signal is a frame behind the input that was written before it. A command that does not read its input would never get it, and
 * that is often the one that is to be ended: after more than a little input the guest's own `kill` sends it, over a connection of
 * its own.
 */
export async function signalGroup(agent: AgentClient, stream: AgentStream, signal: NodeJS.Signals): Promise<void> {
  if (stream.inputBytes <= ABSORBED) return stream.send(FrameType.SIGNAL, { signal });
  const { pid } = await stream.started;
  if (stream.over || pid === null) return;
  const script = 'kill -s "$1" -- "-$2"';
  const argv = ['/bin/sh', '-c', script, 'sh', signal.slice('SIG'.length), String(pid)];
  const kill = await agent.open({ op: 'exec', argv, cwd: '/', user: 'root', stdin: false });
  kill.data.resume();
  kill.stderr.resume();
  await kill.ended;
}
