import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { runId, runPaths, statePaths } from '../../../src/state/paths.ts';
import { ControlClient } from '../../../src/supervisor/control-client.ts';
import type { ControlEvent } from '../../../src/supervisor/spec.ts';
import { stopVm } from '../../../src/vm/stop.ts';
import { within } from '../../within.ts';
import { ARCH, leftovers, NOTHING, supervisorGone, useHome } from './fixture.ts';
import { imageThatNeverAnswers } from './wrong-guest.ts';

// A guest that boots and never answers: its VM is `starting` for as long as a test needs it.

useHome();

let scratch = '';
let image = '';
beforeAll(async () => {
  scratch = mkdtempSync('/tmp/vzs-control-');
  image = await imageThatNeverAnswers(scratch, 'asleep');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Starting {
  readonly id: string;
  readonly control: string;
  /** The failure of the start: no VM comes of it. */
  readonly failure: Promise<Error & { code?: string }>;
}

/** A VM whose guest is booting, with its control socket open. */
async function starting(name: string): Promise<Starting> {
  let booting = (): void => undefined;
  const boots = new Promise<void>((resolve) => {
    booting = resolve;
  });
  const start = Vm.create({ arch: ARCH, image, name, onProgress: ({ phase }) => phase === 'agent' && booting() });
  const failure = start.then(
    () => new Error('it became ready'),
    (error: Error) => error,
  );
  await within(30_000, 'the start of the machine', Promise.race([boots, failure]));
  const id = runId(name);
  return { id, control: runPaths(statePaths(), id).control, failure };
}

function ask(control: string, method: string, path: string, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: control, method, path }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body);
  });
}

test('a vm that starts is listed so, cannot be joined yet, its name is taken, and it can be stopped', async () => {
  const vm = await starting('slow');
  expect(await Vm.list()).toMatchObject([{ name: 'slow', state: 'starting', arch: ARCH, pid: expect.any(Number) }]);
  await expect(Vm.connect('slow')).rejects.toMatchObject({
    code: 'ERR_INVALID_STATE',
    message: "vm 'slow' is starting or stopping",
  });
  await expect(Vm.create({ arch: ARCH, image, name: 'slow' })).rejects.toMatchObject({
    code: 'ERR_INVALID_STATE',
    message: "vm 'slow' is being started by another process",
  });
  const events: ControlEvent[] = [];
  const stream = await new ControlClient(vm.control).events((event) => void events.push(event));
  expect(await stopVm('slow')).toEqual({ reason: 'stopped' });
  await stream.closed;
  expect(events).toMatchObject([
    { state: 'starting' },
    { state: 'stopping' },
    { type: 'exit', exit: { reason: 'stopped' } },
  ]);
  expect(await vm.failure).toMatchObject({ code: 'ERR_VM_STOPPED', message: "vm 'slow' was stopped while it started" });
  expect(leftovers()).toMatchObject({ processes: [], sockets: [], throwaways: [] });
  expect(await Vm.list()).toMatchObject([{ name: 'slow', state: 'stopped' }]);
});

test('SIGTERM to the supervisor is an orderly stop; SIGINT and SIGHUP of a terminal are not for it', async () => {
  const vm = await starting('signalled');
  const { pid } = await new ControlClient(vm.control).status();
  process.kill(pid, 'SIGINT');
  process.kill(pid, 'SIGHUP');
  expect(await new ControlClient(vm.control).status()).toMatchObject({ state: 'starting', pid });
  process.kill(pid, 'SIGTERM');
  expect(await within(5_000, 'the end of the start', vm.failure)).toMatchObject({ code: 'ERR_VM_STOPPED' });
  supervisorGone(vm.id);
  expect(leftovers()).toMatchObject({ processes: [], sockets: [] });
});

test('whatever a client sends, the supervisor lives and says what is wrong', async () => {
  const vm = await starting('patient');
  const rows: readonly [string, string, string, number, string][] = [
    ['GET', '/v1/nothing', '', 404, 'no such request: GET /v1/nothing'],
    ['DELETE', '/v1/vm', '', 404, 'no such request'],
    ['POST', '/v1/stop', '{', 400, 'the request body is no JSON'],
    ['POST', '/v1/stop', '"now"', 400, "unknown member 'body'"],
    ['POST', '/v1/stop', '{"forse": true}', 400, "unknown member 'forse'"],
    ['POST', '/v1/stop', '{"force": 1}', 400, "'force' is no boolean"],
    ['POST', '/v1/stop', '{"timeoutMs": -1}', 400, "'timeoutMs' is no number"],
    ['POST', '/v1/stop', '{"timeoutMs": 1e99}', 400, "'timeoutMs' is no number"],
    ['POST', '/v1/stop', 'x'.repeat(100_000), 400, 'a request body over 4096 bytes'],
    ['POST', '/v1/detach', '{}', 409, "vm 'patient' is starting"],
  ];
  for (const [method, path, body, status, message] of rows) {
    expect(await ask(vm.control, method, path, body)).toMatchObject({ status, text: expect.stringContaining(message) });
  }
  for (const bytes of ['\0\x01\x02\r\n\r\n', 'GET '.repeat(5000), '']) {
    await new Promise<void>((resolve) => {
      const socket = connect(vm.control, () => socket.end(bytes));
      socket
        .resume()
        .on('error', () => undefined)
        .on('close', () => resolve());
    });
  }
  expect(await new ControlClient(vm.control).status()).toMatchObject({ state: 'starting' });
  await stopVm('patient', { force: true });
  await vm.failure;
});

test('the guest cannot open a second event connection, nor speak nonsense on the first', async () => {
  const vm = await starting('hostile');
  // The socket that the driver connects for the guest: whoever comes first is taken for the agent.
  const events = `${runPaths(statePaths(), vm.id).vsock}_1025`;
  const first = connect(events);
  await new Promise((resolve) => first.once('connect', resolve));
  const second = connect(events).on('error', () => undefined);
  await within(
    5_000,
    'the end of the second connection',
    new Promise((resolve) => second.resume().once('close', resolve)),
  );
  first
    .on('error', () => undefined)
    .write(`{"event":"hello","protocol":7,"version":"9.9","arch":"arm64","bootMs":1}\n`);
  expect(await within(10_000, 'the end of the start', vm.failure)).toMatchObject({
    code: 'ERR_PROTOCOL',
    message: expect.stringMatching(/9\.9 speaks protocol 7, this vzshell speaks 1/),
  });
  supervisorGone(vm.id);
  expect(leftovers()).toMatchObject({ processes: [], sockets: [] });
});

test.each([
  ['QEMU', /qemu/, /qemu.*SIGKILL/i],
  ['vhost-device-vsock', /vsock/, /vhost-device-vsock.*SIGKILL/],
])('%s killed during the start: the start fails with the reason', async (_, process_, message) => {
  const vm = await starting('struck');
  const { processes } = await new ControlClient(vm.control).status();
  const victim = processes.find(({ name }) => process_.test(name));
  if (victim === undefined) throw new Error(`no such process: ${JSON.stringify(processes)}`);
  process.kill(victim.pid, 'SIGKILL');
  expect(await within(5_000, 'the end of the start', vm.failure)).toMatchObject({
    message: expect.stringMatching(message),
  });
  expect(leftovers()).toMatchObject({ processes: [], sockets: [], throwaways: [] });
});

test('the supervisor killed during the start: said so, and the machine dies with it', async () => {
  const vm = await starting('orphaned');
  const { pid } = await new ControlClient(vm.control).status();
  process.kill(pid, 'SIGKILL');
  expect(await within(5_000, 'the end of the start', vm.failure)).toMatchObject({
    code: 'ERR_VM_START',
    message: "the supervisor of vm 'orphaned' ended by SIGKILL before the VM was ready",
  });
  await expect.poll(() => leftovers().processes, { timeout: 2000 }).toEqual([]);
  const again = await starting('orphaned');
  expect(leftovers().throwaways).toHaveLength(1);
  await stopVm('orphaned');
  await again.failure;
});

test('nothing of all that is left but logs and records', () => {
  expect(leftovers()).toMatchObject({ ...NOTHING, runs: expect.any(Array) });
});
