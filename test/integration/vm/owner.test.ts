import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { runId, runPaths, statePaths } from '../../../src/state/paths.ts';
import { ControlClient } from '../../../src/supervisor/control-client.ts';
import { ensureVm } from '../../../src/vm/ensure.ts';
import { ARCH, leftovers, NOTHING, script, supervisorGone, useHome } from './fixture.ts';

useHome();

test('a vm dies with its creator, killed or not, and leaves nothing', async () => {
  const owner = script(`
    const vm = await Vm.create({ arch: '${ARCH}' });
    console.log(vm.id);
    vm.ref();
  `);
  const id = await owner.line();
  owner.child.kill('SIGKILL');
  await owner.exit;
  supervisorGone(id);
  expect(leftovers()).toEqual(NOTHING);
});

test('a vm dies with a creator that is killed while it starts', async () => {
  const owner = script(`
    await Vm.create({ arch: '${ARCH}', name: 'early', onProgress: ({ phase }) => console.log(phase) });
  `);
  while ((await owner.line()) !== 'agent');
  const [id = ''] = readdirSync(statePaths().runs);
  owner.child.kill('SIGKILL');
  await owner.exit;
  supervisorGone(id);
  expect(leftovers()).toMatchObject({ processes: [], sockets: [], throwaways: [] });
});

test('a creator killed at any moment of a start leaves nothing', async () => {
  const { runs } = statePaths();
  const before = readdirSync(runs);
  for (const delay of [0, 20, 40, 60, 80, 100, 150, 200, 300]) {
    const owner = script(`
      const start = Vm.create({ arch: '${ARCH}', onProgress: ({ phase }) => phase === 'image' && console.log(phase) });
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${delay});
      await start;
    `);
    await owner.exit;
  }
  await expect.poll(() => leftovers(), { timeout: 5000 }).toMatchObject({ ...NOTHING, runs: expect.any(Array) });
  // A directory that was made and never locked is empty.
  const made = readdirSync(runs).filter((id) => !before.includes(id));
  expect(made.flatMap((id) => readdirSync(join(runs, id)))).toEqual([]);
});

test('a script that forgets its vm ends all the same, and the vm with it', async () => {
  const owner = script(`const vm = await Vm.create({ arch: '${ARCH}' }); console.log(vm.id); await vm.exec('true');`);
  const id = await owner.line();
  expect(await owner.exit).toEqual({ code: 0, signal: null, stderr: '' });
  supervisorGone(id);
  expect(leftovers().processes).toEqual([]);
});

test('ref keeps a script alive until its vm ends', async () => {
  const owner = script(`
    const vm = await Vm.create({ arch: '${ARCH}', name: 'kept' });
    vm.ref();
    vm.closed.then(({ reason }) => console.log('closed', reason));
    console.log('ready');
  `);
  await owner.line();
  const vm = await Vm.connect('kept');
  expect(await vm.stop()).toEqual({ reason: 'stopped' });
  expect(await owner.line()).toBe('closed stopped');
  expect(await owner.exit).toMatchObject({ code: 0 });
});

test('a detached vm outlives its creator, is found by name, by id, and by ensure, and lends its volume to nobody (T10)', async () => {
  const owner = script(`
    const vm = await Vm.create({ arch: '${ARCH}', name: 'lasting', detached: true, volume: 'lasting' });
    await vm.exec('sh', ['-c', 'echo here > /tmp/mark']);
    console.log(vm.id, vm.owned);
  `);
  const [id = '', owned] = (await owner.line()).split(' ');
  expect(owned).toBe('false');
  expect(await owner.exit).toMatchObject({ code: 0, stderr: '' });

  const byName = await Vm.connect('lasting');
  expect((await byName.exec('cat', ['/tmp/mark'])).stdout).toBe('here\n');
  const byId = await Vm.connect(id);
  expect(byId).toMatchObject({ name: 'lasting', owned: false, state: 'running' });
  const { vm, joined } = await ensureVm({ name: 'lasting', arch: ARCH, volume: 'lasting' });
  expect([joined, vm.id]).toEqual([true, id]);

  await expect(Vm.create({ arch: ARCH, name: 'lasting' })).rejects.toMatchObject({
    code: 'ERR_INVALID_STATE',
    message: "there is a running vm called 'lasting' already",
  });
  await expect(Vm.create({ arch: ARCH, name: 'other', volume: 'lasting' })).rejects.toMatchObject({
    code: 'ERR_VOLUME',
    message: expect.stringMatching(
      /^cannot use volume 'lasting': it is in use by vm 'lasting' \(pid \d+, since \d\d:\d\d\)$/,
    ),
  });
  await expect(ensureVm({ name: 'lasting', arch: ARCH, memory: '3GiB' })).rejects.toMatchObject({
    code: 'ERR_INVALID_STATE',
    message: expect.stringContaining("vm 'lasting' runs already, with other memory: it has 2 GiB, asked for is 3 GiB"),
    hint: expect.stringContaining('vzshell stop lasting'),
  });
  await expect(Vm.connect('lastnig')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', hint: "did you mean 'lasting'?" });

  const closed = byName.closed;
  await vm.stop();
  expect(await closed).toEqual({ reason: 'stopped' });
  expect(leftovers()).toMatchObject({ processes: [], sockets: [] });
  await expect(Vm.connect('lasting')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
});

test('detach turns an attached vm into a lasting one', async () => {
  const owner = script(`
    const vm = await Vm.create({ arch: '${ARCH}', name: 'freed' });
    await vm.detach();
    console.log(vm.owned);
  `);
  expect(await owner.line()).toBe('false');
  expect(await owner.exit).toMatchObject({ code: 0, stderr: '' });
  await using vm = await Vm.connect('freed');
  expect(vm.info).toMatchObject({ detached: true });
  expect((await vm.exec('true')).exitCode).toBe(0);
  await vm.stop();
});

test('two starts at once of one name: one starts, the other joins, and both can work', async () => {
  const body = `
    const { vm, joined } = await ensureVm({ name: 'twice', arch: '${ARCH}' });
    const { stdout } = await vm.exec('echo', ['works']);
    console.log(joined, stdout.trim());
  `;
  const scripts = [script(body), script(body), script(body)];
  const lines = await Promise.all(scripts.map(({ line }) => line()));
  expect(lines.sort()).toEqual(['false works', 'true works', 'true works']);
  expect((await Vm.list()).filter(({ name }) => name === 'twice')).toHaveLength(1);
  let stopping = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    stopping = resolve;
  });
  const { control } = runPaths(statePaths(), runId('twice'));
  await new ControlClient(control).events(
    (event) => event.type === 'state' && event.state === 'stopping' && stopping(),
  );
  const again = (await Vm.connect('twice')).stop();
  await begun;
  // The one that comes while it stops waits, and starts it anew.
  const { vm, joined } = await ensureVm({ name: 'twice', arch: ARCH });
  await again;
  expect(joined).toBe(false);
  await vm.stop();
});

test('a detached vm stops when it is idle, not before, and not while a command runs', async () => {
  const vm = await Vm.create({ arch: ARCH, name: 'idle', detached: true, idleTimeout: 1500 });
  let ended = false;
  const closed = vm.closed.then((exit) => {
    ended = true;
    return exit;
  });
  await vm.exec('sleep', ['4']);
  expect(ended).toBe(false);
  const began = performance.now();
  expect(await closed).toEqual({ reason: 'idle' });
  expect(performance.now() - began).toBeGreaterThan(1400);
  expect(leftovers()).toMatchObject({ processes: [], sockets: [], throwaways: [] });
});
