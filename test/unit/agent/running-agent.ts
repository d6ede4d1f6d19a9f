import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AgentClient } from '../../../src/agent/client.ts';
import { readEvents } from '../../../src/agent/events.ts';
import type { AgentEvent } from '../../../src/agent/operations.ts';
import { VzshellError } from '../../../src/errors.ts';
import type { CommandContext } from '../../../src/vm/commands.ts';

/** The real agent as an ordinary process: the same protocol, this host as its guest. */
export interface RunningAgent extends AsyncDisposable {
  readonly agent: AgentClient;
  readonly context: CommandContext;
  readonly socket: string;
  /** A scratch directory, which is the commands' default directory. */
  readonly directory: string;
  readonly process: ChildProcess;
  /** The events that come after the hello. */
  readonly events: AsyncIterator<AgentEvent>;
  /** Kills the agent with SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

const SOURCES = new URL('../../../guest/agent', import.meta.url).pathname;

export async function startAgent(): Promise<RunningAgent> {
  const directory = await mkdtemp(join(tmpdir(), 'vz-agent-'));
  const program = join(directory, 'vzagent');
  await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd: SOURCES });

  const socket = join(directory, 'vsock.sock');
  const eventsPath = `${socket}_1025`;
  const server = net.createServer({ pauseOnConnect: true }).listen(eventsPath);
  await once(server, 'listening');
  const child = spawn(program, ['serve', '--unix', socket, '--events', eventsPath], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const gone = once(child, 'exit');
  const [connection] = (await Promise.race([
    once(server, 'connection'),
    gone.then(([code]) => Promise.reject(new Error(`the agent ended with ${String(code)}: ${log}`))),
  ])) as [net.Socket];
  const events = readEvents(connection)[Symbol.asyncIterator]();
  const hello = await events.next();
  if (hello.done === true || hello.value.event !== 'hello')
    throw new Error(`no hello, but ${JSON.stringify(hello.value)}`);

  const agent = new AgentClient(socket);
  const context: CommandContext = {
    agent,
    cwd: directory,
    lost: () =>
      Promise.resolve(
        new VzshellError('ERR_VM_STOPPED', 'the VM has stopped', { details: { exit: { reason: 'error' } } }),
      ),
  };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  return {
    agent,
    context,
    socket,
    directory,
    process: child,
    events,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      server.close();
      connection.destroy();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
