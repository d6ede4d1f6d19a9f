import { expect, it } from 'vitest';
import { selectDriver } from '../../../src/driver/select.ts';
import { failure } from './scratch.ts';

it("takes QEMU for 'auto' on Linux", () => {
  expect(selectDriver('auto').name).toBe('qemu');
  expect(selectDriver('qemu').name).toBe('qemu');
});

it('says that vz is not there, and what to do', () => {
  const { code, message, hint } = failure(() => selectDriver('vz'));
  expect(code).toBe('ERR_UNSUPPORTED');
  expect(message).toMatch(/vz driver .* is not part of this version/);
  expect(hint).toMatch(/Linux host/);
});

it('quotes a name that it does not know', () => {
  expect(failure(() => selectDriver('xen' as 'qemu'))).toMatchObject({
    code: 'ERR_INVALID_OPTION',
    message: expect.stringContaining("got 'xen'"),
  });
});
