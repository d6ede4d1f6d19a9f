// Hostile arguments to every export: an error of ours, never a crash, and a machine that goes on.

import { closeSync, existsSync, fstatSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VzMachine } from '../../src/driver/vz/binding.ts';
import { config, failure, nobody, script, vz } from './machine.ts';

const NONSENSE: unknown[] = [
  undefined,
  null,
  true,
  -1,
  0.5,
  NaN,
  Infinity,
  2 ** 53,
  '',
  'x'.repeat(100_000),
  'a\0b',
  '\ud800',
  Symbol('s'),
  1n,
  [],
  {},
  nobody,
  new Proxy({}, { get: () => 1, ownKeys: () => ['a'] }),
  Object.create(null),
  new Uint8Array(8),
];

const METHODS = [
  'identity',
  'start',
  'stop',
  'requestStop',
  'pause',
  'resume',
  'validateSaveRestore',
  'save',
  'restore',
  'connect',
  'listen',
  'unlisten',
  'release',
  'serve',
  'setShare',
  'setNetwork',
  'balloon',
  'setBalloon',
  'attachUsb',
  'detachUsb',
  'close',
] as const;

const directory = mkdtempSync('/tmp/vzn-');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a machine that has not been started', () => {
  let machine: VzMachine;
  beforeAll(() => {
    machine = new vz.Machine(config(), nobody);
  });
  afterAll(() => machine.close());

  it('has all methods of the contract', () => {
    const present = Object.getOwnPropertyNames(Object.getPrototypeOf(machine));
    expect(present.sort()).toEqual([...METHODS, 'constructor', 'state'].sort());
  });

  const withArguments = METHODS.filter(
    (name) => !['identity', 'start', 'validateSaveRestore', 'close', 'balloon'].includes(name),
  );
  it.each(withArguments)('%s takes no nonsense', async (name) => {
    const call = machine[name] as (...values: unknown[]) => unknown;
    for (const [i, first] of NONSENSE.entries()) {
      for (const [j, second] of NONSENSE.entries()) {
        const error = await Promise.resolve()
          .then(() => call.call(machine, first, second))
          .then(
            () => null,
            (reason) => reason,
          );
        // A path, a port or an index may be right by chance; then the state is wrong.
        if (error !== null) expect(error, `${name}: ${i}, ${j}`).toBeInstanceOf(Error);
        if (error !== null && !(error instanceof TypeError))
          expect(error.kind).toMatch(/^(invalid|state|unsupported|framework)$/);
      }
    }
    expect(machine.state).toBe('stopped');
  });

  it.each(METHODS)('%s of something else throws', async (name) => {
    const call = machine[name] as () => unknown;
    for (const foreign of [{}, null, Object.create(Object.getPrototypeOf(machine)), vz, new Date()]) {
      expect(await failure(() => call.call(foreign as never))).toBeInstanceOf(Error);
    }
  });

  it('state of something else throws', () => {
    const state = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(machine), 'state')?.get;
    expect(() => state?.call({})).toThrow(Error);
    expect(() => state?.call(Object.create(machine))).toThrow(Error);
  });

  it('the class is no function', () => {
    expect(() => (vz.Machine as unknown as () => void)()).toThrow(/new/);
  });

  it.each([
    ['stop', /cannot stop a machine that is stopped/],
    ['pause', /cannot pause a machine that is stopped/],
    ['resume', /cannot resume a machine that is stopped/],
    ['requestStop', /power button of a machine that is stopped/],
  ] as const)('%s is refused', async (name, words) => {
    const error = await failure(() => machine[name]());
    expect(error.kind).toBe('state');
    expect(error.message).toMatch(words);
  });

  it('connect is refused, with the port', async () => {
    const error = await failure(() => machine.connect(1024, 1000));
    expect(error).toMatchObject({ kind: 'state', message: expect.stringMatching(/port 1024: the machine is stopped/) });
  });

  it('a port has one listener', async () => {
    await machine.listen(77);
    expect(await failure(() => machine.listen(77))).toMatchObject({
      kind: 'state',
      message: expect.stringMatching(/port 77: it has a listener/),
    });
    await machine.unlisten(77);
    expect(await failure(() => machine.unlisten(77))).toMatchObject({ kind: 'state' });
    await machine.listen(77);
  });

  it('what it does not have is named', async () => {
    expect(await failure(() => machine.balloon())).toMatchObject({
      kind: 'state',
      message: expect.stringMatching(/no balloon/),
    });
    expect(await failure(() => machine.setNetwork(0, null))).toMatchObject({ kind: 'invalid', option: 'index' });
    const share = { kind: 'single', directory: { path: directory, readOnly: true } } as const;
    expect(await failure(() => machine.setShare('none', share))).toMatchObject({ kind: 'invalid', option: 'tag' });
    expect(await failure(() => machine.detachUsb(0, 'x'))).toMatchObject({ kind: 'invalid', option: 'controller' });
  });

  it('serves one socket, which is its own, and where nothing is yet', async () => {
    const path = join(directory, 'v.sock');
    expect(await failure(() => machine.serve(join(directory, 'x'.repeat(100)), []))).toMatchObject({
      kind: 'invalid',
      option: 'path',
    });
    expect(await failure(() => machine.serve(join(directory, 'none/v.sock'), []))).toMatchObject({
      domain: 'NSPOSIXErrorDomain',
      nativeCode: 2,
    });
    expect(await failure(() => machine.serve(directory, []))).toMatchObject({ domain: 'NSPOSIXErrorDomain' });
    expect(existsSync(directory)).toBe(true);
    await machine.serve(path, [1025]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await failure(() => machine.serve(`${path}2`, []))).toMatchObject({ kind: 'state' });
    expect(await failure(() => machine.listen(1025))).toMatchObject({ kind: 'state' });
  });
});

it('a served port that is taken leaves no socket, and another try works', async () => {
  const machine = new vz.Machine(config(), nobody);
  const path = join(directory, 'w.sock');
  await machine.listen(9);
  expect(await failure(() => machine.serve(path, [8, 9]))).toMatchObject({
    kind: 'state',
    message: expect.stringMatching(/port 9/),
  });
  expect(existsSync(path)).toBe(false);
  await machine.unlisten(9);
  await machine.serve(path, [9]);
  await machine.close();
  expect(existsSync(path)).toBe(false);
});

it('a closed machine answers everything with `closed`', async () => {
  const machine = new vz.Machine(config(), nobody);
  const first = machine.close();
  expect(machine.close()).toBe(first);
  await first;
  await machine.close();
  expect(machine.state).toBe('stopped');
  machine.release(1);
  const share = { kind: 'single', directory: { path: directory, readOnly: true } } as const;
  const calls = [
    () => machine.start(),
    () => machine.connect(1, 1),
    () => machine.listen(1),
    () => machine.serve(join(directory, 'c.sock'), []),
    () => machine.setShare('a', share),
    () => machine.validateSaveRestore(),
    () => machine.identity(),
    () => machine.save('/tmp/x'),
  ];
  for (const call of calls) expect((await failure(call)).kind).toBe('closed');
});

describe('lock', () => {
  const path = join(directory, 'lock');
  const take = async (wait = 0): Promise<number> => {
    const held = await vz.lock(path, wait);
    if (held === null) throw new Error('the lock is held by another');
    return held;
  };

  it('is held once, by descriptor, until that is closed', async () => {
    const held = await take();
    expect(await vz.lock(path, 0)).toBeNull();
    closeSync(held);
    closeSync(await take());
  });

  it('is waited for, and not for longer than asked', async () => {
    const held = await take();
    expect(await vz.lock(path, 50)).toBeNull();
    const waiting = take(60_000);
    closeSync(held);
    closeSync(await waiting);
  });

  it('is held against another process, and goes with it', async () => {
    const { child, ended } = script(
      `console.log((await vz.lock(${JSON.stringify(path)}, 0)) !== null); process.stdin.resume();`,
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    expect(await vz.lock(path, 0)).toBeNull();
    child.kill('SIGKILL');
    await ended;
    closeSync(await take());
  });

  it('says why it cannot', async () => {
    expect(await failure(() => vz.lock(join(directory, 'none/lock'), 0))).toMatchObject({
      kind: 'framework',
      nativeCode: 2,
      message: expect.stringMatching(/none\/lock/),
    });
    for (const value of NONSENSE) {
      expect(await failure(() => vz.lock(value as never, 0))).toBeInstanceOf(Error);
      if (value !== undefined)
        expect(await failure(() => vz.lock(path, { ...Object(value) } as never))).toBeInstanceOf(Error);
    }
  });
});

it('pipe gives two ends that are closed on exec', () => {
  const { read, write } = vz.pipe();
  expect(fstatSync(read).isFIFO() && fstatSync(write).isFIFO()).toBe(true);
  closeSync(read);
  closeSync(write);
});
