// The rules of saving and restoring. Over the look-alike a saved machine is a paused process; see test/lookalike/README.md.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { VzMachine } from '../../src/driver/vz/binding.ts';
import type { VzConfig } from '../../src/driver/vz/config.ts';
import { config, control, failure, nobody, vz } from './machine.ts';

const directory = mkdtempSync('/tmp/vzn-');
const open: VzMachine[] = [];
afterEach(async () => {
  control.setFaults(null);
  await Promise.all(open.splice(0).map((machine) => machine.close()));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A machine with these faults, closed after the test. */
function machine(faults = '', changes: Partial<VzConfig> = {}): { machine: VzMachine } {
  control.setFaults(faults);
  const made = new vz.Machine(config(changes), nobody);
  open.push(made);
  return { machine: made };
}

describe('save and restore', () => {
  it('of the same machine: it goes on where it was', async () => {
    const path = join(directory, 'state');
    const { machine: vm } = machine();
    vm.validateSaveRestore();
    expect(await failure(() => vm.save(path))).toMatchObject({
      kind: 'state',
      message: 'cannot save a machine that is stopped',
    });
    await vm.start();
    expect(await failure(() => vm.save(path))).toMatchObject({
      kind: 'state',
      message: 'cannot save a machine that is running',
    });
    expect(await failure(() => vm.restore(path))).toMatchObject({ kind: 'state' });
    await vm.pause();
    await vm.save(path);
    expect(vm.state).toBe('paused');
    await vm.stop();
    await vm.restore(path);
    expect(vm.state).toBe('paused');
    await vm.resume();
    expect(vm.state).toBe('running');
  });

  it('into another machine: refused', async () => {
    const path = join(directory, 'other');
    const { machine: vm } = machine();
    await vm.start();
    await vm.pause();
    await vm.save(path);
    await vm.stop();
    const { machine: stranger } = machine('', { cpus: 2 });
    expect(await failure(() => stranger.restore(path))).toMatchObject({
      kind: 'framework',
      domain: 'VZErrorDomain',
      nativeCode: 12,
    });
  });

  it('of what cannot be saved: told before, and refused', async () => {
    const { machine: vm } = machine('', { sound: [{ streams: [] }] });
    expect(await failure(() => vm.validateSaveRestore())).toMatchObject({ kind: 'framework', domain: 'VZErrorDomain' });
    expect(await failure(() => vm.restore(join(directory, 'none')))).toMatchObject({ kind: 'framework' });
  });

  it('with a full disk: the error, and the machine stays paused', async () => {
    const { machine: vm } = machine();
    await vm.start();
    await vm.pause();
    control.setFaults('out-of-disk');
    expect(await failure(() => vm.save(join(directory, 'full')))).toMatchObject({ nativeCode: 8 });
    expect(vm.state).toBe('paused');
  });
});
