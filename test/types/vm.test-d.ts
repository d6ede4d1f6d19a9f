import type { Duplex } from 'node:stream';
import { expectTypeOf, test } from 'vitest';
import {
  type Commands,
  type DevShell,
  type ErrorCode,
  ExecError,
  type ExecResult,
  type GuestFs,
  type GuestProcess,
  type HostCapabilities,
  type PortForward,
  Vm,
  type VmExit,
  type VmInfo,
  type VmOptions,
  type VmState,
  VzshellError,
} from 'vzshell';

declare const vm: Vm;

test('a vm is found, made, listed', () => {
  expectTypeOf(Vm.create).toBeCallableWith({ name: 'x', memory: '2GiB', detached: true });
  expectTypeOf(Vm.create()).resolves.toEqualTypeOf<Vm>();
  expectTypeOf(Vm.connect('x')).resolves.toEqualTypeOf<Vm>();
  expectTypeOf(Vm.list()).resolves.toEqualTypeOf<VmInfo[]>();
  expectTypeOf(Vm.capabilities()).resolves.toEqualTypeOf<HostCapabilities>();
});

test('a vm runs commands, like a dev shell', () => {
  expectTypeOf(vm).toExtend<Commands>();
  expectTypeOf<DevShell>().toExtend<Commands>();
  expectTypeOf(vm.exec('ls', ['-l'])).resolves.toEqualTypeOf<ExecResult>();
  expectTypeOf(vm.$`ls ${'a b'} ${1} ${['x', 2]}`).resolves.toEqualTypeOf<ExecResult>();
  expectTypeOf(vm.spawn('cat')).resolves.toEqualTypeOf<GuestProcess>();
  expectTypeOf<GuestProcess>().not.toHaveProperty('then');
  expectTypeOf(vm.develop()).resolves.toEqualTypeOf<DevShell>();
  expectTypeOf(vm.shell()).resolves.toBeNumber();
});

test('a vm has files, ports, and a life', () => {
  expectTypeOf(vm.fs).toEqualTypeOf<GuestFs>();
  expectTypeOf(vm.forward({ guestPort: 80 })).resolves.toEqualTypeOf<PortForward>();
  expectTypeOf(vm.connect({ port: 80 })).resolves.toEqualTypeOf<Duplex>();
  expectTypeOf(vm.connect({ path: '/run/x.sock' })).resolves.toEqualTypeOf<Duplex>();
  expectTypeOf(vm.stop({ force: true, timeout: 1 })).resolves.toEqualTypeOf<VmExit>();
  expectTypeOf(vm.closed).resolves.toEqualTypeOf<VmExit>();
  expectTypeOf(vm.state).toEqualTypeOf<VmState>();
  expectTypeOf(vm.owned).toBeBoolean();
  expectTypeOf(vm.ref()).toEqualTypeOf<Vm>();
  expectTypeOf(vm).toExtend<AsyncDisposable>();
});

test('options are what they say', () => {
  expectTypeOf<{ memory: '2GiB'; cpus: 2 }>().toExtend<VmOptions>();
  expectTypeOf<{ memory: '2 bananas' }>().not.toExtend<VmOptions>();
  expectTypeOf<{ network: 'bridge' }>().not.toExtend<VmOptions>();
  // @ts-expect-error an unknown option
  void Vm.create({ memroy: 1 });
  // @ts-expect-error undefined is no value of an option
  void Vm.create({ name: undefined });
});

test('one error type, with a closed set of codes', () => {
  expectTypeOf<VzshellError['code']>().toEqualTypeOf<ErrorCode>();
  expectTypeOf<ExecError>().toExtend<VzshellError & ExecResult>();
  expectTypeOf(new VzshellError('ERR_EXEC', 'x')).toExtend<Error>();
  expectTypeOf(ExecError).toBeConstructibleWith({} as ExecResult);
});
