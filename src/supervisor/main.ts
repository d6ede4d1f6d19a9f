// The process that owns one machine. It is started through `flock` (see launch.ts), so it holds the locks of its run directory
// and its volume for exactly as long as it lives. Usage: node main.js <run directory>, the start pipe on descriptor 3.

import { fstatSync } from 'node:fs';
import { AgentClient } from '../agent/client.ts';
import { selectDriver } from '../driver/select.ts';
import { asVzshellError, VzshellError } from '../errors.ts';
import { ControlServer } from './control.ts';
import { GuestEvents } from './guest-events.ts';
import { HostCache } from './host-cache.ts';
import { Lifecycle } from './lifecycle.ts';
import { QuietWork } from './quiet.ts';
import { abandonDirectory, boundLog, RunDirectory } from './run-directory.ts';
import type { ExitRecord, VmSpec } from './spec.ts';
import { StartPipe } from './start-pipe.ts';
import { sweepDead } from './sweep.ts';

async function main(): Promise<void> {
  const pipe = new StartPipe();
  const spec = await pipe.readSpec().catch((error: unknown) => {
    abandonDirectory(process.argv[2] ?? '');
    throw error;
  });
  process.title = `vzshell: ${spec.name}`;
  try {
    await supervise(spec, pipe);
  } catch (error) {
    console.error(error);
    pipe.send({ type: 'error', error: asVzshellError(error, 'ERR_VM_START').toJSON() });
    process.exitCode = 1;
  }
  await flushed();
  process.exit();
}

async function supervise(spec: VmSpec, pipe: StartPipe): Promise<void> {
  const directory = new RunDirectory(spec);
  boundLog(directory.paths.log, fstatSync(2).size);
  let exit: ExitRecord | null = null;
  try {
    directory.claim();
    const driver = selectDriver(spec.driver);
    const guest = await GuestEvents.listen(spec.machine.vsockPath);
    const cache = spec.store?.cache ? await HostCache.listen(spec.store.cache, spec.machine.vsockPath) : null;
    const agent = new AgentClient(spec.machine.vsockPath);
    const vm = new Lifecycle(spec, directory, driver, guest, agent, quietWork(spec, agent));
    await ControlServer.listen(directory.paths.control, vm);
    listenToSignals(vm);
    let started = false;
    void pipe.closed.then(() => vm.ownerGone());
    exit = await vm.run((line) => {
      pipe.send(line);
      started ||= line.type === 'ready';
      if (line.type !== 'ready') return;
      if (spec.detached) pipe.close();
      sweepDead(spec).catch((error: unknown) => console.error('sweeping:', error));
    });
    if (!started && exit.error !== undefined) pipe.send({ type: 'error', error: exit.error });
    else pipe.send({ type: 'exit', exit });
    guest.close();
    cache?.close();
    // The answers to those who asked for the stop are written before the process goes. control.sock listens until then: who is
    // refused there looks for exit.json, which comes with the release.
    await flushed();
  } finally {
    directory.release(exit ?? { schema: 1, reason: 'error', at: new Date().toISOString() });
  }
}

/** The host keeps what a guest uses of its store, also when no dev shell has asked for that. */
function quietWork(spec: VmSpec, agent: AgentClient): QuietWork | null {
  if (!spec.store?.host) return null;
  const lost = async (): Promise<VzshellError> => new VzshellError('ERR_AGENT', 'the guest is gone');
  return new QuietWork(async () => {
    const { protectUsed } = await import('../nix/host-store/running.ts');
    await protectUsed({ spec, context: { agent, cwd: '/', lost } });
  });
}

function listenToSignals(vm: Lifecycle): void {
  process.on('SIGTERM', () => void vm.stop({}));
  // A terminal's business is its user's, not ours.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  const crash = (error: unknown): void => {
    console.error(error);
    vm.end({ reason: 'error', error: asVzshellError(error, 'ERR_INVALID_STATE') });
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}

/** Two turns of the event loop: what was written to sockets is with the kernel then. */
async function flushed(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

// No top-level await: the bundle of the single executable is CommonJS.
void main();
