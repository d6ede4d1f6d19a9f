// The public API. Everything here is covered by the type tests; nothing else is promised.

export type { FileType, GuestStat } from './agent/operations.ts';
export type * from './driver/devices.ts';
export type { Arch, DriverName, Missing } from './driver/driver.ts';
export { type ErrorCode, type ErrorContext, type SerializedError, VzshellError } from './errors.ts';
export type { Collected } from './nix/store/collect.ts';
export type { StoreLayer, StoreReport } from './nix/store/report.ts';
export { ExecError } from './vm/exec-error.ts';
export type {
  GuestDirent,
  GuestFs,
  GuestFsOptions,
  GuestRange,
  GuestReadOptions,
  GuestWriteOptions,
} from './vm/guest-fs.ts';
export type * from './vm/types.ts';
export { Vm } from './vm/vm.ts';
