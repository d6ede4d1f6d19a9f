import type { AgentClient } from '../agent/client.ts';
import { ConnectionLost } from '../agent/errors.ts';
import type { ExecStart } from '../agent/operations.ts';
import type { AgentStream } from '../agent/stream.ts';
import { VzshellError } from '../errors.ts';

/** What everything that works inside a running VM is given. */
export interface CommandContext {
  readonly agent: AgentClient;
  /** Directory of commands that name none; relative paths in the guest count from here. */
  readonly cwd: string;
  /** Turns a command into what is really started; a dev shell rewrites argv and env here. */
  readonly prepare?: (start: ExecStart) => ExecStart | Promise<ExecStart>;
  /** Why a connection broke: ERR_VM_STOPPED with the reason in its details, or ERR_AGENT. Asked only after one did. */
  readonly lost: () => Promise<VzshellError>;
  /** Gets an error of the agent from before anything ran, such as `required-missing`; true when it was repaired: retried once. */
  readonly onStartError?: (error: VzshellError) => Promise<boolean>;
}

/** The error to show for one that happened: a lost connection becomes its reason, everything else stays. */
export async function explain(context: CommandContext, error: unknown): Promise<unknown> {
  return error instanceof ConnectionLost ? await context.lost() : error;
}

/** Runs something on the agent; what it rejects with is explained. */
export async function explained<T>(context: CommandContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await explain(context, error);
  }
}

/** Starts a command, prepared, and once more when the context could repair why it did not start. */
export function startCommand(context: CommandContext, start: ExecStart, signal?: AbortSignal): Promise<AgentStream> {
  const open = async (): Promise<AgentStream> => {
    const prepared = context.prepare === undefined ? start : await context.prepare(start);
    return context.agent.open(prepared, signal && { signal });
  };
  return explained(context, async () => {
    try {
      return await open();
    } catch (error) {
      const repairable = error instanceof VzshellError && !(error instanceof ConnectionLost);
      if (!repairable || context.onStartError === undefined || !(await context.onStartError(error))) throw error;
      return open();
    }
  });
}
