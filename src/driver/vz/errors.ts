// From what the addon throws to what a user reads. The meanings of VZErrorDomain's codes: VZError.h of SDK 26.5, and reports of
// what each looked like in the field (docs/native.md).

import { type ErrorCode, VzshellError } from '../../errors.ts';
import type { VzNativeError } from './binding.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly text: string;
  readonly hint: string;
}

const AGAIN = 'start it again; if it happens again, the end of the console log tells more';

/** VZErrorCode → our words. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  1: { code: 'ERR_VM_START', text: 'Virtualization.framework failed inside', hint: AGAIN },
  2: { code: 'ERR_VM_START', text: 'macOS does not take this configuration', hint: 'change the option that it names' },
  3: {
    code: 'ERR_INVALID_STATE',
    text: 'the machine is not in a state for that',
    hint: 'see its state with `vzshell inspect`',
  },
  4: {
    code: 'ERR_INVALID_STATE',
    text: 'the machine cannot go from its state to that one',
    hint: 'see its state with `vzshell inspect`',
  },
  5: {
    code: 'ERR_VOLUME',
    text: 'a disk image is not usable',
    hint: 'it must be a raw image, a multiple of 512 bytes long',
  },
  6: {
    code: 'ERR_VM_START',
    text: 'macOS runs as many virtual machines as it allows',
    hint: 'stop another virtual machine',
  },
  7: { code: 'ERR_VM_STOPPED', text: 'the network of the machine failed', hint: AGAIN },
  8: { code: 'ERR_VOLUME', text: 'the disk of this Mac is full', hint: 'free some space and start it again' },
  9: { code: 'ERR_VM_STOPPED', text: 'it was called off', hint: AGAIN },
  10: {
    code: 'ERR_UNSUPPORTED',
    text: 'this Mac does not support it',
    hint: '`vzshell doctor` lists what it supports',
  },
  11: {
    code: 'ERR_INVALID_STATE',
    text: 'the state of the machine could not be saved',
    hint: 'see the reason; the machine still stands paused',
  },
  12: {
    code: 'ERR_VM_START',
    text: 'the saved state does not fit',
    hint: 'it was saved with another configuration, on another Mac, or under another macOS: start the machine afresh',
  },
  20001: {
    code: 'ERR_VOLUME',
    text: 'the network block device did not agree to a connection',
    hint: 'check its URL and its server',
  },
  20002: { code: 'ERR_VOLUME', text: 'the network block device is gone', hint: 'check its server' },
  30001: {
    code: 'ERR_INVALID_STATE',
    text: 'the machine has no such USB controller',
    hint: 'give it one with devices.usb',
  },
  30002: { code: 'ERR_INVALID_STATE', text: 'that USB device is attached already', hint: 'detach it first' },
  30003: { code: 'ERR_VOLUME', text: 'that USB device could not be set up', hint: 'check its disk image' },
  30004: { code: 'ERR_NOT_FOUND', text: 'no such USB device is attached', hint: 'see what is attached first' },
};

/** True for what the addon throws, as against our own errors and Node's. */
export function isNativeError(error: unknown): error is VzNativeError {
  return error instanceof Error && typeof (error as { kind?: unknown }).kind === 'string';
}

/**
 * The error of a call into the addon, in the user's words. `doing` is what was tried: `start the machine`. Messages of the kinds
 * `invalid` and `unsupported` begin with the option.
 */
export function explain(error: unknown, doing: string): VzshellError {
  if (error instanceof VzshellError) return error;
  if (!isNativeError(error)) {
    return new VzshellError('ERR_VM_START', `cannot ${doing}: ${String((error as Error)?.message ?? error)}`, {
      cause: error,
    });
  }
  switch (error.kind) {
    case 'invalid':
      return new VzshellError('ERR_INVALID_OPTION', error.message, { cause: error });
    case 'unsupported':
      return new VzshellError('ERR_UNSUPPORTED', error.message, {
        cause: error,
        hint: error.needs === undefined ? 'leave it out' : `it needs ${error.needs}: leave it out on this Mac`,
      });
    case 'state':
      return new VzshellError('ERR_INVALID_STATE', `cannot ${doing}: ${error.message}`, { cause: error });
    case 'closed':
      return new VzshellError('ERR_VM_STOPPED', `cannot ${doing}: the machine is gone`, { cause: error });
    case 'timeout':
      return new VzshellError('ERR_TIMEOUT', `cannot ${doing}: ${error.message}`, { cause: error });
    case 'exception':
      return new VzshellError('ERR_VM_START', `cannot ${doing}: ${said(error)}`, {
        cause: error,
        hint: 'this is a bug of vzshell: report it with this message',
      });
    case 'framework':
      return framework(error, doing);
  }
}

function framework(error: VzNativeError, doing: string): VzshellError {
  const { domain, nativeCode } = error;
  const meaning = domain === 'VZErrorDomain' ? MEANINGS[nativeCode ?? 0] : undefined;
  const details = { domain, code: nativeCode, underlying: error.underlying ?? [] };
  if (meaning === undefined) {
    return new VzshellError('ERR_VM_START', `cannot ${doing}: ${said(error)}`, { cause: error, details });
  }
  return new VzshellError(meaning.code, `cannot ${doing}: ${meaning.text} (${said(error)})`, {
    cause: error,
    hint: meaning.hint,
    details,
  });
}

/** What macOS said, from the outermost error to the one at the root. */
function said(error: VzNativeError): string {
  const where = error.domain === undefined ? '' : ` [${error.domain} ${error.nativeCode}]`;
  const parts = [`${error.reason ?? error.message}${where}`];
  for (const { domain, code, message } of error.underlying ?? []) parts.push(`${message} [${domain} ${code}]`);
  return parts.join(' ← ');
}
