import { afterEach, expect, it, vi } from 'vitest';
import { selectDriver } from '../../../src/driver/select.ts';
import { failure } from './scratch.ts';

afterEach(() => void vi.unstubAllEnvs());

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

it("takes what VZSHELL_DRIVER names for 'auto', and only then", () => {
  vi.stubEnv('VZSHELL_DRIVER', 'vz');
  expect(selectDriver('auto').name).toBe('vz');
  expect(selectDriver('qemu').name).toBe('qemu');
  vi.stubEnv('VZSHELL_DRIVER', 'xen');
  expect(failure(() => selectDriver('auto')).message).toBe(
    "VZSHELL_DRIVER: expected 'auto', 'qemu' or 'vz', got 'xen'",
  );
});
