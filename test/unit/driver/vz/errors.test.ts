import { expect, it } from 'vitest';
import type { VzNativeError } from '../../../../src/driver/vz/binding.ts';
import { explain } from '../../../../src/driver/vz/errors.ts';
import { VzshellError } from '../../../../src/errors.ts';

function native(fields: Partial<VzNativeError>): Error {
  return Object.assign(new Error(fields.message ?? 'as the addon says it'), { kind: 'framework' }, fields);
}

it('names the option and the cure', () => {
  expect(
    explain(native({ kind: 'invalid', option: 'cpus', message: 'cpus: expected 1 to 8, got 99' }), 'make the machine'),
  ).toMatchObject({ code: 'ERR_INVALID_OPTION', message: 'cpus: expected 1 to 8, got 99' });
  expect(
    explain(
      native({ kind: 'unsupported', option: 'usb[0]', message: 'usb[0]: needs macOS 15', needs: 'macOS 15' }),
      'make the machine',
    ),
  ).toMatchObject({
    code: 'ERR_UNSUPPORTED',
    message: 'usb[0]: needs macOS 15',
    hint: expect.stringContaining('macOS 15'),
  });
});

it('tells the whole chain of a framework error, from the outermost to the root', () => {
  const error = native({
    domain: 'VZErrorDomain',
    nativeCode: 2,
    reason: 'The boot loader is invalid.',
    underlying: [
      { domain: 'VZErrorDomain', code: 2, message: 'Failed to open the kernel file.' },
      { domain: 'NSPOSIXErrorDomain', code: 2, message: 'No such file or directory' },
    ],
  });
  expect(explain(error, 'start the machine')).toMatchObject({
    code: 'ERR_VM_START',
    message:
      'cannot start the machine: macOS does not take this configuration (The boot loader is invalid. [VZErrorDomain 2] ← ' +
      'Failed to open the kernel file. [VZErrorDomain 2] ← No such file or directory [NSPOSIXErrorDomain 2])',
    details: { domain: 'VZErrorDomain', code: 2 },
  });
});

it.each([
  [3, 'ERR_INVALID_STATE'],
  [5, 'ERR_VOLUME'],
  [8, 'ERR_VOLUME'],
  [10, 'ERR_UNSUPPORTED'],
  [12, 'ERR_VM_START'],
  [30004, 'ERR_NOT_FOUND'],
])('gives VZErrorDomain %i a code of ours and a cure', (nativeCode, code) => {
  const error = explain(native({ domain: 'VZErrorDomain', nativeCode }), 'do it');
  expect(error.code).toBe(code);
  expect(error.hint).toMatch(/\w/);
});

it('does not guess at the codes of another domain', () => {
  const error = explain(native({ domain: 'NSPOSIXErrorDomain', nativeCode: 8, reason: 'Exec format error' }), 'do it');
  expect(error).toMatchObject({
    code: 'ERR_VM_START',
    message: 'cannot do it: Exec format error [NSPOSIXErrorDomain 8]',
  });
});

it('leaves our own errors alone, and takes anything', () => {
  const own = new VzshellError('ERR_TIMEOUT', 'late');
  expect(explain(own, 'do it')).toBe(own);
  expect(explain(new TypeError('odd'), 'do it')).toMatchObject({ code: 'ERR_VM_START', message: 'cannot do it: odd' });
});
