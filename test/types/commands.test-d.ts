import type { Duplex, Readable, Writable } from 'node:stream';
import { expectTypeOf, test } from 'vitest';
import {
  type Commands,
  ExecError,
  type ExecResult,
  type GuestDirent,
  type GuestFs,
  type GuestProcess,
  type GuestStat,
  type PortForward,
  type ProcessExit,
  type Vm,
  VzshellError,
} from 'vzshell';

declare const vm: Vm;
declare const fs: GuestFs;
declare const running: GuestProcess;

test('a VM runs commands in four ways', () => {
  expectTypeOf(vm).toExtend<Commands>();
  expectTypeOf(vm.exec('ls', ['-l'])).resolves.toEqualTypeOf<ExecResult>();
  expectTypeOf(vm.exec('ls', ['-l'] as const, { input: 'x', reject: false })).resolves.toEqualTypeOf<ExecResult>();
  expectTypeOf(vm.sh('ls | wc')).resolves.toEqualTypeOf<ExecResult>();
  expectTypeOf(vm.$`ls ${'a'} ${1} ${['b', 2]}`).resolves.toEqualTypeOf<ExecResult>();
  expectTypeOf(vm.spawn('cat')).resolves.toEqualTypeOf<GuestProcess>();
});

test('what cannot be an argument is refused by the compiler', () => {
  // @ts-expect-error an object has no meaning in a command line
  vm.$`ls ${{}}`;
  // @ts-expect-error nor has undefined
  vm.$`ls ${undefined}`;
  // @ts-expect-error arguments are texts
  vm.exec('sleep', [1]);
  // @ts-expect-error a signal has a name
  running.kill('TERM');
  // @ts-expect-error a misspelt option
  vm.exec('ls', [], { timeOut: 1 });
});

test('options may be readonly all the way down', () => {
  const options = { cwd: '/', env: { A: 'x', B: undefined }, timeout: 1, pty: { cols: 80, rows: 24 } } as const;
  expectTypeOf(vm.exec).toBeCallableWith('ls', [], options);
  expectTypeOf(vm.spawn).toBeCallableWith('ls', [], options);
});

test('a live command is a process, and no promise', () => {
  expectTypeOf(running).not.toHaveProperty('then');
  expectTypeOf(running.stdin).toEqualTypeOf<Writable>();
  expectTypeOf(running.stderr).toEqualTypeOf<Readable | null>();
  expectTypeOf(running.exited).resolves.toEqualTypeOf<ProcessExit>();
  expectTypeOf(running.lines()).toExtend<AsyncIterable<string>>();
  expectTypeOf(running).toExtend<AsyncDisposable>();
});

test('an error of a command has every field of its result', () => {
  expectTypeOf<ExecError>().toExtend<ExecResult>();
  expectTypeOf<ExecError>().toExtend<VzshellError>();
  const error: unknown = null;
  if (error instanceof ExecError) expectTypeOf(error.exitCode).toEqualTypeOf<number | null>();
  if (error instanceof VzshellError) expectTypeOf(error.code).toExtend<string>();
});

test('files: the encoding decides what is read', () => {
  expectTypeOf(fs.readFile('a')).resolves.toEqualTypeOf<Uint8Array>();
  expectTypeOf(fs.readFile('a', 'utf8')).resolves.toEqualTypeOf<string>();
  expectTypeOf(fs.readFile('a', { encoding: 'utf8' })).resolves.toEqualTypeOf<string>();
  expectTypeOf(fs.readFile('a', { encoding: null })).resolves.toEqualTypeOf<Uint8Array>();
  expectTypeOf(fs.readdir('a')).resolves.toEqualTypeOf<string[]>();
  expectTypeOf(fs.readdir('a', { withFileTypes: true })).resolves.toEqualTypeOf<GuestDirent[]>();
  expectTypeOf(fs.stat('a')).resolves.toEqualTypeOf<GuestStat>();
  expectTypeOf(fs.createReadStream('a')).toEqualTypeOf<Readable>();
  // @ts-expect-error only UTF-8 is decoded
  fs.readFile('a', 'latin1');
});

test('connections', () => {
  expectTypeOf(vm.connect({ port: 80 })).resolves.toEqualTypeOf<Duplex>();
  expectTypeOf(vm.connect({ path: '/run/x.sock' })).resolves.toEqualTypeOf<Duplex>();
  expectTypeOf(vm.forward({ guestPort: 80 })).resolves.toEqualTypeOf<PortForward>();
  // @ts-expect-error an address is a port or a path
  vm.connect({});
});
