import { expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { runPaths, statePaths } from '../../../src/state/paths.ts';
import { ControlClient } from '../../../src/supervisor/control-client.ts';
import { within } from '../../within.ts';
import { ARCH, leftovers, script, supervisorGone, useHome } from './fixture.ts';

useHome();

const kill = (pid: number): Promise<void> => Promise.resolve(void process.kill(pid, 'SIGKILL'));

async function processOf(vm: Vm, name: RegExp): Promise<number> {
  const { processes } = await new ControlClient(runPaths(statePaths(), vm.id).control).status();
  const found = processes.find((process) => name.test(process.name));
  if (found === undefined) throw new Error(`no process like ${name} among ${JSON.stringify(processes)}`);
  return found.pid;
}

/** How to break a running VM, and what its users are then told. */
const blows: readonly [string, (vm: Vm) => Promise<unknown>, RegExp][] = [
  ['QEMU is killed', async (vm) => kill(await processOf(vm, /qemu/)), /qemu/i],
  ['virtiofsd is killed', async (vm) => kill(await processOf(vm, /virtiofsd/)), /virtiofsd/],
  ['vhost-device-vsock is killed', async (vm) => kill(await processOf(vm, /vsock/)), /vhost-device-vsock/],
  ['the supervisor is killed', async (vm) => kill(vm.info.pid ?? 0), /the supervisor of vm '.*' \(pid \d+\) died/],
  [
    'the guest panics',
    (vm) => vm.exec('sh', ['-c', 'echo c > /proc/sysrq-trigger'], { user: 'root' }).catch(() => undefined),
    /panic|reset|crash/i,
  ],
];

test.each(blows)('%s: pending calls say so within 2 s, and nothing stays', async (_, blow, reason) => {
  const vm = await Vm.create({
    arch: ARCH,
    name: 'hit',
    mounts: [{ source: statePaths().home, target: '/mnt/share' }],
  });
  const pending = vm.exec('sleep', ['600']).then(
    () => 'it went on',
    (error: unknown) => error,
  );
  await vm.exec('true');
  const began = performance.now();
  await blow(vm);
  const error = await within(10_000, 'the end of the pending call', pending);
  expect(performance.now() - began).toBeLessThan(2000);
  expect(error).toMatchObject({
    code: 'ERR_VM_STOPPED',
    message: expect.stringMatching(reason),
    details: { reason: 'error' },
  });
  expect(await within(5_000, 'closed', vm.closed)).toMatchObject({
    reason: 'error',
    error: { message: expect.stringMatching(reason) },
  });
  supervisorGone(vm.id);
  await expect.poll(() => leftovers().processes, { timeout: 2000 }).toEqual([]);
  // Dispose of a dead vm is no error.
  await vm[Symbol.asyncDispose]();
});

test('after each of these the next start of that name works and clears away what lay there', async () => {
  await using vm = await Vm.create({ arch: ARCH, name: 'hit' });
  expect((await vm.exec('echo', ['again'])).stdout).toBe('again\n');
  expect(leftovers().throwaways).toHaveLength(1);
});

test('a client in the middle of a command that is killed harms nobody else', async () => {
  await using vm = await Vm.create({ arch: ARCH, name: 'shared' });
  const client = script(`
    const vm = await Vm.connect('shared');
    const sleeper = await vm.spawn('sleep', ['613']);
    console.log('runs');
    await sleeper.exited;
  `);
  await client.line();
  client.child.kill('SIGKILL');
  await client.exit;
  const gone = await vm.exec('sh', [
    '-c',
    'for i in $(seq 100); do pgrep -f "^sleep 613" >/dev/null || exit 0; sleep 0.1; done; exit 1',
  ]);
  expect(gone.exitCode).toBe(0);
});

test('the next vm clears away the throwaway of one whose supervisor was killed', async () => {
  const lost = await Vm.create({ arch: ARCH });
  await kill(lost.info.pid ?? 0);
  await lost.closed;
  expect(leftovers().throwaways).toHaveLength(1);
  await using vm = await Vm.create({ arch: ARCH });
  await expect.poll(() => leftovers().runs.includes(lost.id), { timeout: 5000 }).toBe(false);
  expect(leftovers().throwaways).toHaveLength(1);
  expect(vm.state).toBe('running');
});
