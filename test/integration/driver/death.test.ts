import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MachineSpec } from '../../../src/driver/driver.ts';
import { createQemuDriver } from '../../../src/driver/qemu/driver.ts';
import { guestMachine } from '../../guest-machine.ts';
import { asRoot, boot, configure, directoryToShare, type Guest, pidOf, scratch } from './guest.ts';
import { processesOf, untilNoProcess } from './processes.ts';

async function withShare(): Promise<Guest> {
  const directory = scratch();
  return boot({
    runDir: directory,
    shares: [{ tag: 's0', path: directoryToShare(directory, 'share'), readOnly: false }],
  });
}

/** The machine ended with an error that tells its reason, soon, and nothing of it is left. */
async function expectDeath(guest: Guest, message: RegExp): Promise<void> {
  const { reason, error } = await guest.ended();
  expect(reason).toBe('error');
  expect(error?.code).toBe('ERR_VM_STOPPED');
  expect(error?.message).toMatch(message);
  expect(processesOf(guest.spec.runDir)).toEqual([]);
  expect(guest.machine.processes()).toEqual([]);
  const sockets = readdirSync(guest.spec.runDir).filter((name) => name.includes('.sock') && !name.endsWith('_1025'));
  expect(sockets).toEqual([]);
}

describe('a machine ends with an error that says why', () => {
  it('virtiofsd is killed', async () => {
    const guest = await withShare();
    process.kill(pidOf(guest, 'virtiofsd'), 'SIGKILL');
    await expectDeath(guest, /^virtiofsd \(s0: .*\) was killed by SIGKILL: the machine lost its share \//);
  });

  it('the process that does the work of virtiofsd is killed', async () => {
    const guest = await withShare();
    const workers = guest.machine.processes().filter(({ name }) => name.startsWith('virtiofsd'));
    process.kill(workers.at(-1)?.pid as number, 'SIGKILL');
    await expectDeath(guest, /^virtiofsd \(s0: .*: the machine lost its share \//);
  });

  it('vhost-device-vsock is killed', async () => {
    const guest = await boot();
    process.kill(pidOf(guest, 'vhost-device-vsock'), 'SIGKILL');
    await expectDeath(guest, /^vhost-device-vsock was killed by SIGKILL: the machine lost its connection to the host$/);
  });

  it('QEMU is killed', async () => {
    const guest = await withShare();
    process.kill(pidOf(guest, 'qemu'), 'SIGKILL');
    await expectDeath(guest, /^QEMU was killed by SIGKILL/);
  });

  it('QEMU is asked to end by somebody else', async () => {
    const guest = await boot();
    process.kill(pidOf(guest, 'qemu'), 'SIGTERM');
    await expectDeath(guest, /^QEMU exited with status 0 .*signal 15/);
  });

  it.each(['arm64', 'x86_64'] as const)('the guest panics, and its last words are in the error (%s)', async (arch) => {
    const guest = await boot({ arch });
    await configure(guest);
    guest.machine.expectShutdown();
    asRoot(guest, 'echo c >/proc/sysrq-trigger').catch(() => undefined);
    await expectDeath(
      guest,
      /^the guest crashed while it was shutting down: Kernel panic - not syncing: sysrq triggered crash/,
    );
    const { error } = await guest.machine.stopped;
    expect(error?.hint).toMatch(/^its console \(.*console\.log\) ended with:\n/);
  });
});

it("a disk that another machine writes to is refused, and the other machine doesn't notice", async () => {
  const directory = scratch();
  const path = join(directory, 'volume.img');
  writeFileSync(path, '');
  truncateSync(path, 64 * 1024 * 1024);
  const disks = [...guestMachine(directory).disks, { id: 'nix', path, readOnly: false }];
  const first = await boot({ disks });
  const second = guestMachine(directory, { disks });
  await expect(createQemuDriver({ probesFile: join(directory, 'probes.json') }).start(second)).rejects.toMatchObject({
    code: 'ERR_VM_START',
    message: `disk 'nix' is in use by another machine: ${path}`,
  });
  expect(processesOf(join(directory, 'vsock.sock'))).toEqual([]);
  expect((await first.agent.hello()).configured).toBe(false);
});

it('a daemon that fails when QEMU connects to it is what kept the machine from starting', async () => {
  const directory = scratch();
  const tools = join(directory, 'tools');
  mkdirSync(tools);
  const program = `#!${process.execPath}
const { createServer } = require('node:net');
if (process.argv.includes('--version')) { console.log('virtiofsd 1.0'); process.exit(); }
const socket = process.argv[process.argv.indexOf('--socket-path') + 1];
createServer(() => { console.error('cannot enter its sandbox'); process.exit(3); }).listen(socket);
`;
  writeFileSync(join(tools, 'virtiofsd'), program, { mode: 0o755 });
  const before = process.env.VZSHELL_TOOLS;
  process.env.VZSHELL_TOOLS = tools;
  onTestFinished(() => {
    if (before === undefined) delete process.env.VZSHELL_TOOLS;
    else process.env.VZSHELL_TOOLS = before;
  });
  const spec = guestMachine(directory, {
    shares: [{ tag: 's0', path: directoryToShare(directory, 'share'), readOnly: false }],
  });
  await expect(createQemuDriver({ probesFile: join(directory, 'probes.json') }).start(spec)).rejects.toMatchObject({
    code: 'ERR_VM_START',
    message: expect.stringMatching(
      /^cannot start the machine: virtiofsd \(s0: .*\) exited with status 3 \(cannot enter its sandbox\)$/,
    ),
  });
  expect(processesOf(directory)).toEqual([]);
});

it('an aborted start leaves nothing', async () => {
  const directory = scratch();
  const shares = [{ tag: 's0', path: directoryToShare(directory, 'share'), readOnly: false }];
  const driver = createQemuDriver({ probesFile: join(directory, 'probes.json') });
  await driver.probe('arm64');
  for (const after of [0, 5, 20, 60]) {
    const reason = new Error(`aborted after ${after} ms`);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(reason), after);
    const outcome = await driver
      .start(guestMachine(directory, { shares }), abort.signal)
      .catch((error: unknown) => error);
    clearTimeout(timer);
    // On a quick host the start may win against the later aborts.
    if (outcome !== reason) await (outcome as Guest['machine']).stop();
    expect(processesOf(directory)).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.includes('.sock'))).toEqual([]);
  }
});

describe('a machine dies with the process that started it', () => {
  /** A process of its own that starts a machine and prints `started` when it runs. */
  function owner(spec: MachineSpec): ChildProcess {
    const driver = new URL('../../../dist/driver/qemu/driver.js', import.meta.url).href;
    const code = `
      import { createQemuDriver } from ${JSON.stringify(driver)};
      console.log('loaded');
      await createQemuDriver({ probesFile: ${JSON.stringify(join(spec.runDir, 'probes.json'))} }).start(${JSON.stringify(spec)});
      console.log('started');
    `;
    const process_ = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void process_.kill('SIGKILL'));
    return process_;
  }

  function specWithShares(): MachineSpec {
    const directory = scratch();
    const share = directoryToShare(directory, 'share');
    const shares = ['a', 'b'].map((tag) => ({ tag, path: share, readOnly: false }));
    return guestMachine(directory, { shares });
  }

  async function line(process_: ChildProcess, wanted: string): Promise<void> {
    const lines = createInterface({ input: process_.stdout as NonNullable<ChildProcess['stdout']> });
    for await (const text of lines) if (text === wanted) return;
    throw new Error(`the owner ended before it said '${wanted}'`);
  }

  it('SIGKILL while it runs', async () => {
    const spec = specWithShares();
    const process_ = owner(spec);
    await line(process_, 'started');
    expect(processesOf(spec.runDir).length).toBeGreaterThanOrEqual(4);
    process_.kill('SIGKILL');
    await once(process_, 'exit');
    await untilNoProcess(spec.runDir, 5_000);
  });

  it.each([5, 15, 25, 40, 60, 90, 130])('SIGKILL %i ms into the start', async (after) => {
    const spec = specWithShares();
    const process_ = owner(spec);
    await line(process_, 'loaded');
    setTimeout(() => process_.kill('SIGKILL'), after);
    await once(process_, 'exit');
    await untilNoProcess(spec.runDir, 5_000);
  });
});
