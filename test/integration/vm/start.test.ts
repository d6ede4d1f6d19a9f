import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Vm } from 'vzshell';
import { prepareState, runId, runPaths, statePaths } from '../../../src/state/paths.ts';
import { deleteVm } from '../../../src/vm/delete.ts';
import { removeVolume } from '../../../src/volume/remove.ts';
import { within } from '../../within.ts';
import { ARCH, leftovers, NOTHING, useHome } from './fixture.ts';
import { imageThatNeverAnswers } from './wrong-guest.ts';

useHome();

function scratch(): string {
  const directory = mkdtempSync('/tmp/vzs-scratch-');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('a guest that never answers is an error that shows what its console said', async () => {
  const image = await imageThatNeverAnswers(scratch(), 'here is the wrong \u001b[31minit');
  const start = Vm.create({ arch: ARCH, image, startTimeout: 12_000 });
  await expect(within(30_000, 'the failure of the start', start)).rejects.toMatchObject({
    code: 'ERR_VM_START',
    message: expect.stringMatching(
      /^vm '.*' is not ready after 12 s: the guest agent did not answer; the guest's console ends with:\n(.*\n)*.*here is the wrong init/,
    ),
  });
  expect(leftovers()).toEqual(NOTHING);
});

test('an abort during the start ends it with its reason and leaves nothing', async () => {
  const controller = new AbortController();
  const start = Vm.create({
    arch: ARCH,
    signal: controller.signal,
    onProgress: ({ phase }) => phase === 'agent' && controller.abort(new Error('changed my mind')),
  });
  await expect(start).rejects.toThrow('changed my mind');
  expect(leftovers()).toEqual(NOTHING);
});

test('a run directory left by a power cut is cleared away by the next start', async () => {
  const paths = statePaths();
  const run = runPaths(paths, runId('cut'));
  mkdirSync(run.directory, { mode: 0o700 });
  // What lay there: sockets that nobody serves, half a record, a spec with a throwaway volume, a lock nobody holds.
  const server = createServer().listen(run.control);
  await new Promise((resolve) => server.once('listening', resolve));
  execFileSync('cp', ['-a', run.control, run.vsock]);
  execFileSync('cp', ['-a', run.control, `${run.vsock}_1025`]);
  await new Promise((resolve) => server.close(resolve));
  execFileSync('cp', ['-a', run.vsock, run.control]);
  writeFileSync(run.record, '{"schema": 1, "pid": 4711');
  const orphan = join(paths.volumes, 'throwaway-0123456789ab.img');
  writeFileSync(orphan, '');
  const spec = { schema: 1, name: 'cut', machine: {}, configure: {} };
  writeFileSync(run.spec, JSON.stringify(spec));
  writeFileSync(run.lock, '');

  expect(await Vm.list()).toMatchObject([
    { state: 'broken', problem: expect.stringContaining('spec.json is damaged: it describes no VM') },
  ]);
  writeFileSync(run.spec, JSON.stringify({ ...spec, volume: { throwaway: true, path: orphan } }));
  await using vm = await Vm.create({ arch: ARCH, name: 'cut' });
  expect((await vm.exec('echo', ['healed'])).stdout).toBe('healed\n');
  expect(leftovers().throwaways).not.toContain('throwaway-0123456789ab.img');
});

test('a broken vm is listed with its problem, stops nobody, and can be deleted', async () => {
  const paths = statePaths();
  const run = runPaths(paths, runId('broken'));
  mkdirSync(run.directory, { mode: 0o700 });
  writeFileSync(run.spec, '{"schema": 99}');
  expect(await Vm.list()).toContainEqual(
    expect.objectContaining({
      id: runId('broken'),
      state: 'broken',
      problem: expect.stringContaining('has schema 99'),
    }),
  );
  await using vm = await Vm.create({ arch: ARCH });
  expect(vm.state).toBe('running');
  await deleteVm(runId('broken'));
  expect(readdirSync(paths.runs)).not.toContain(runId('broken'));
});

test('a running vm and its volume cannot be deleted', async () => {
  await using vm = await Vm.create({ arch: ARCH, name: 'busy', volume: 'busy' });
  await expect(deleteVm('busy')).rejects.toMatchObject({ code: 'ERR_INVALID_STATE', message: "vm 'busy' is in use" });
  await expect(removeVolume(statePaths(), 'busy')).rejects.toThrow(`in use by vm 'busy' (pid ${vm.info.pid}`);
  await vm.stop();
  await deleteVm('busy');
  await removeVolume(statePaths(), 'busy');
});

test.each([
  ['memory "12 bananas"', { memory: '12 bananas' as never }, "got '12 bananas' (string)"],
  ['an unknown option', { memroy: 1 } as never, "there is no option 'memroy'"],
  ['no such image', { image: '/nowhere' }, "there is no guest image at '/nowhere'"],
  [
    'a mount source that is missing',
    { mounts: [{ source: '/no/such/dir' }] },
    "the source '/no/such/dir' does not exist",
  ],
])('%s is refused before anything is started', async (_, options, message) => {
  const before = leftovers();
  await expect(Vm.create({ arch: ARCH, ...options })).rejects.toThrow(message);
  expect(leftovers()).toEqual(before);
});

test.runIf(process.getuid?.() === 0)(
  'a full host disk is a clear error, and once there is space the next start works',
  async () => {
    const small = scratch();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m,mode=700', 'none', small]);
    const home = process.env.VZSHELL_HOME;
    try {
      process.env.VZSHELL_HOME = join(small, 'h');
      prepareState(statePaths());
      const { bavail, bsize } = statfsSync(small);
      writeFileSync(join(small, 'ballast'), Buffer.alloc(Number(bavail * bsize)));
      const full = Vm.create({ arch: ARCH, name: 'full' });
      await expect(full).rejects.toMatchObject({
        message: expect.stringMatching(/the disk is full/),
        hint: expect.stringContaining('free some space'),
      });
      expect(leftovers()).toMatchObject({ processes: [], sockets: [], throwaways: [] });
      rmSync(join(small, 'ballast'));
      await using vm = await Vm.create({ arch: ARCH, name: 'full', disk: '256MiB' });
      expect((await vm.exec('echo', ['space again'])).stdout).toBe('space again\n');
    } finally {
      if (home !== undefined) process.env.VZSHELL_HOME = home;
      execFileSync('umount', [small]);
    }
  },
);

test.each([
  ['that this driver has not', { graphics: { scanouts: [] } }, 'ERR_UNSUPPORTED', /^devices\.graphics: .*qemu driver/],
  ['with a mistake', { balloon: 1 } as never, 'ERR_INVALID_OPTION', /^devices\.balloon: /],
  ['that is none', 'usb' as never, 'ERR_INVALID_OPTION', /'devices' option to be an object of devices, got 'usb'/],
])('a device %s is refused by its name, before anything starts', async (_, devices, code, message) => {
  prepareState(statePaths());
  const before = leftovers();
  await expect(Vm.create({ arch: ARCH, devices })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
  expect(leftovers()).toEqual(before);
});
