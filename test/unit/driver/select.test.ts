import { expect, it } from 'vitest';
import { selectDriver } from '../../../src/driver/select.ts';
import { failure } from './scratch.ts';

it("takes QEMU for 'auto' on Linux", () => {
  expect(selectDriver('auto').name).toBe('qemu');
  expect(selectDriver('qemu').name).toBe('qemu');
});

it('gives the vz driver where it is asked for: it can tell itself what it lacks', () => {
  expect(selectDriver('vz').name).toBe('vz');
});

it('quotes a name that it does not know', () => {
  expect(failure(() => selectDriver('xen' as 'qemu'))).toMatchObject({
    code: 'ERR_INVALID_OPTION',
    message: expect.stringContaining("got 'xen'"),
  });
});
