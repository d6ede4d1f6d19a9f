// The drivers that the suite holds to one contract, on this host. On Linux `vz` is the addon's real source over the look-alike of
// the framework (test/lookalike); on a Mac it is the real thing, and the only one.

import { existsSync } from 'node:fs';
import { afterAll, afterEach } from 'vitest';
import type { Arch, Driver } from '../../src/driver/driver.ts';
import { createQemuDriver } from '../../src/driver/qemu/driver.ts';
import { vzDriver } from '../../src/driver/vz/driver.ts';
import { useLookalike } from '../lookalike/use.ts';

export interface Candidate {
  readonly name: string;
  readonly driver: Driver;
  /** Of the guests that it boots here. */
  readonly arch: Arch;
}

function candidates(): Candidate[] {
  if (process.platform === 'darwin') {
    return [{ name: 'vz', driver: vzDriver, arch: process.arch === 'arm64' ? 'arm64' : 'x86_64' }];
  }
  const addon = useLookalike();
  if (!existsSync(addon)) throw new Error(`there is no ${addon}: npm run build:native`);
  return [
    { name: 'qemu', driver: createQemuDriver(), arch: 'arm64' },
    { name: 'vz on the look-alike', driver: vzDriver, arch: 'arm64' },
  ];
}

export const DRIVERS: readonly Candidate[] = candidates();

/** Says at the end of a file how many of its cases a driver went through. Called inside the driver's `describe`. */
export function countCases({ name }: Candidate): void {
  let cases = 0;
  afterEach(() => {
    cases += 1;
  });
  afterAll(() => console.log(`${name}: ${cases} cases`));
}
