// A machine's life through the addon, with a guest that really boots, and what happens when the framework fails.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { VzMachine } from '../../src/driver/vz/binding.ts';
import type { VzConfig } from '../../src/driver/vz/config.ts';
import { Guest } from './guest.ts';
import { config, control, Events, failure, vz } from './machine.ts';

const directory = mkdtempSync('/tmp/vzn-');
const open: VzMachine[] = [];
afterEach(async () => {
  control.setFaults(null);
  await Promise.all(open.splice(0).map((machine) => machine.close()));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A machine with these faults, closed after the test. */
function machine(faults = '', changes: Partial<VzConfig> = {}): { machine: VzMachine; events: Events } {
  control.setFaults(faults);
  const events = new Events();
  const made = new vz.Machine(config(changes), events.listener);
  open.push(made);
  return { machine: made, events };
}

describe('a running guest', () => {
  it('goes through its states, in order, and starts again', async () => {
    const { machine: vm, events } = machine();
    expect(vm.state).toBe('stopped');
    await vm.start();
    expect(vm.state).toBe('running');
    expect(await failure(() => vm.start())).toMatchObject({
      kind: 'state',
      message: 'cannot start a machine that is running',
    });
    await vm.pause();
    expect(await failure(() => vm.pause())).toMatchObject({
      kind: 'state',
      message: 'cannot pause a machine that is paused',
    });
    await vm.resume();
    expect(await failure(() => vm.resume())).toMatchObject({ kind: 'state' });
    await vm.requestStop();
    await vm.stop();
    expect(vm.state).toBe('stopped');
    expect(events.states).toEqual([
      'starting',
      'running',
      'pausing',
      'paused',
      'resuming',
      'running',
      'stopping',
      'stopped',
    ]);
    await vm.start();
    await vm.pause();
    await vm.stop();
    // Our own stop is no event.
    expect(events.all.filter(({ type }) => type === 'stopped')).toEqual([]);
  });

  it('that powers off is an event without an error, and its connections end', async () => {
    await using guest = await Guest.boot();
    const { fd, id } = await guest.machine.connect(1024, 30_000);
    const { Socket } = await import('node:net');
    const socket = new Socket({ fd });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await guest.agent.shutdown();
    const { error } = await guest.events.next('stopped');
    expect(error).toBeNull();
    expect(guest.machine.state).toBe('stopped');
    await closed;
    guest.machine.release(id);
    expect(await failure(() => guest.machine.connect(1024, 1000))).toMatchObject({ kind: 'state' });
  });

  it('is stopped by close, which tells nobody', async () => {
    const { machine: vm, events } = machine();
    await vm.start();
    const before = events.all.length;
    await vm.close();
    expect(vm.state).toBe('stopped');
    expect(events.all).toHaveLength(before);
  });

  it('is stopped by close while it starts; the start fails with `closed`', async () => {
    const { machine: vm } = machine();
    const started = failure(() => vm.start());
    await vm.close();
    expect((await started).kind).toBe('closed');
  });

  it('changes its balloon, its shares, its network and its USB devices', async () => {
    const disk = join(directory, 'usb');
    writeFileSync(disk, '');
    truncateSync(disk, 1024 * 1024);
    const { machine: vm } = machine('', {
      balloon: true,
      network: [{ mac: null, attachment: { kind: 'nat' } }],
      shares: [{ tag: 'many', share: { kind: 'multiple', directories: {} } }],
      usb: [{ devices: [] }],
    });
    await vm.start();
    expect(await vm.balloon()).toBe(512 * 1024 * 1024);
    await vm.setBalloon(256 * 1024 * 1024);
    expect(await vm.balloon()).toBe(256 * 1024 * 1024);
    await vm.setShare('many', { kind: 'multiple', directories: { a: { path: directory, readOnly: true } } });
    expect(await failure(() => vm.setShare('many', { kind: 'rosetta', caching: null }))).toMatchObject({
      kind: 'invalid',
      option: 'share.kind',
    });
    const missing = { kind: 'single', directory: { path: '/none', readOnly: true } } as const;
    expect(await failure(() => vm.setShare('many', missing))).toMatchObject({
      kind: 'invalid',
      option: 'share.directory.path',
    });
    await vm.setNetwork(0, null);
    await vm.setNetwork(0, { kind: 'nat' });
    expect(await failure(() => vm.setNetwork(1, null))).toMatchObject({ kind: 'invalid', option: 'index' });

    const image = { kind: 'image', path: disk, readOnly: true } as const;
    const uuid = await vm.attachUsb(0, { uuid: null, attachment: image });
    const mine = '01234567-89AB-CDEF-0123-456789ABCDEF';
    expect((await vm.attachUsb(0, { uuid: mine, attachment: image })).toUpperCase()).toBe(mine);
    expect(await failure(() => vm.attachUsb(0, { uuid: mine, attachment: image }))).toMatchObject({
      kind: 'framework',
      nativeCode: 30002,
    });
    await vm.detachUsb(0, uuid);
    expect(await failure(() => vm.detachUsb(0, uuid))).toMatchObject({ kind: 'invalid', option: 'uuid' });
    const none = { kind: 'image', path: '/none', readOnly: true } as const;
    expect(await failure(() => vm.attachUsb(0, { uuid: null, attachment: none }))).toMatchObject({
      kind: 'invalid',
      option: 'device.attachment.path',
    });
  });
});

describe('a framework that fails', () => {
  it('start: the error with its code and what lies under it, and another try', async () => {
    const { machine: vm, events } = machine('start-fails');
    const error = await failure(() => vm.start());
    expect(error).toMatchObject({
      kind: 'framework',
      domain: 'VZErrorDomain',
      nativeCode: 1,
      reason: expect.any(String),
    });
    expect(vm.state).toBe('error');
    expect(events.states).toEqual(['starting', 'error']);
    control.setFaults('');
    await vm.start();
  });

  it('start: the disk of the host is full', async () => {
    const { machine: vm } = machine('out-of-disk');
    expect(await failure(() => vm.start())).toMatchObject({ domain: 'VZErrorDomain', nativeCode: 8 });
  });

  it('the helper says what QEMU lacks, at the end of the chain', async () => {
    const { machine: vm } = machine('', { keyboard: true });
    const error = await failure(() => vm.start());
    expect(error.underlying?.map(({ message }) => message).join()).toMatch(/cannot boot VZUSBKeyboardConfiguration/);
  });

  it('the machine crashes: one event, with the error', async () => {
    const { machine: vm, events } = machine('guest-stops-with-error');
    await vm.start();
    const { error } = await events.next('stopped');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ kind: 'framework', domain: 'VZErrorDomain', nativeCode: 1 });
    expect(vm.state).toBe('error');
  });

  it('the network is lost: an event with its index', async () => {
    const nat = { mac: null, attachment: { kind: 'nat' } } as const;
    const { machine: vm, events } = machine('network-lost', { network: [nat] });
    await vm.start();
    expect(await events.next('network-lost')).toMatchObject({ index: 0, error: { kind: 'framework' } });
    await vm.setNetwork(0, { kind: 'nat' });
  });

  it.each([
    ['nbd-connected', null],
    ['nbd-lost', { kind: 'framework', nativeCode: expect.any(Number) }],
  ])('a network block device: %s', async (fault, error) => {
    const [root] = config().storage;
    const nbd = { kind: 'nbd', url: 'nbd://127.0.0.1/x', timeout: 1000, readOnly: true, sync: 'none' } as const;
    // The helper hears of the fault by its environment only.
    process.env['VZ_LOOKALIKE_FAULT'] = fault;
    const { machine: vm, events } = machine(fault, {
      storage: [root as VzConfig['storage'][0], { device: 'virtio', id: null, attachment: nbd }],
    });
    await vm.start();
    delete process.env['VZ_LOOKALIKE_FAULT'];
    const event = await events.next('nbd');
    expect(event.index).toBe(1);
    if (error === null) expect(event.error).toBeNull();
    else expect(event.error).toMatchObject(error);
  });

  it('console ports open and close: events with their place', async () => {
    process.env['VZ_LOOKALIKE_FAULT'] = 'console-ports';
    const port = { name: 'a', isConsole: false, attachment: { kind: 'none' } } as const;
    const { machine: vm, events } = machine('console-ports', {
      consoles: [{ maxPorts: 4, ports: [port, { ...port, name: 'b' }] }],
    });
    await vm.start();
    delete process.env['VZ_LOOKALIKE_FAULT'];
    await events.next('console-port');
    await vm.stop();
    const told = events.all.filter(({ type }) => type === 'console-port');
    expect(told).toContainEqual({ type: 'console-port', console: 0, port: 1, open: true });
    expect(told).toContainEqual({ type: 'console-port', console: 0, port: 0, open: false });
  });

  it('USB devices cannot be attached', async () => {
    const disk = join(directory, 'usb2');
    writeFileSync(disk, '');
    truncateSync(disk, 1024 * 1024);
    const { machine: vm } = machine('usb-fails', { usb: [{ devices: [] }] });
    await vm.start();
    const image = { kind: 'image', path: disk, readOnly: true } as const;
    expect(await failure(() => vm.attachUsb(0, { uuid: null, attachment: image }))).toMatchObject({
      nativeCode: 30003,
    });
  });

  it('vmnet makes no network', async () => {
    const vmnet = { kind: 'vmnet', mode: 'shared', subnet: null, dhcp: true, forwards: [] } as const;
    const error = await failure(() => machine('vmnet-fails', { network: [{ mac: null, attachment: vmnet }] }));
    expect(error).toMatchObject({ kind: 'invalid', option: expect.stringMatching(/^network\[0\]\.attachment/) });
  });

  it('a stop that never ends: close drops the machine after ten seconds, and the stop fails', async () => {
    const { machine: vm } = machine('stop-never');
    await vm.start();
    const stopped = failure(() => vm.stop());
    const begin = performance.now();
    await vm.close();
    expect(performance.now() - begin).toBeGreaterThan(9_000);
    expect((await stopped).kind).toBe('closed');
  });
});
