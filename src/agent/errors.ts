import { VzshellError } from '../errors.ts';
import { escapeLine } from './escape.ts';
import { ProtocolError } from './protocol.ts';

/**
 * The way to the agent broke: the VM is gone, or its agent is. Who knows the VM replaces it by the reason (`CommandContext.lost`);
 * a caller of the library never sees this class.
 */
export class ConnectionLost extends VzshellError {
  constructor(message: string, cause?: unknown) {
    super('ERR_AGENT', message, {
      hint: 'the virtual machine may have stopped; `vzshell list` shows what runs',
      cause,
      details: { reason: 'connection-lost' },
    });
  }
}

/** What the agent was asked for, which decides what a refusal means. */
export type Asked = 'exec' | 'connect' | 'fs' | 'request';

/** The agent said no: its error, as the one that a caller gets. `code` and `message` come from the guest. */
export function refusal(asked: Asked, code: string, message: string): VzshellError {
  const text = escapeLine(message);
  const details = { reason: code };
  if (code === 'protocol') return new VzshellError('ERR_PROTOCOL', text, { details, hint: PROTOCOL_HINT });
  if (code === 'not-configured')
    return new VzshellError('ERR_INVALID_STATE', `the guest is still starting: ${text}`, { details });
  if (code === 'internal') return new VzshellError('ERR_AGENT', `the guest agent failed: ${text}`, { details });
  if (asked === 'exec') return new VzshellError('ERR_EXEC', text, { details });
  if (asked === 'connect') return new VzshellError('ERR_NOT_FOUND', text, { details });
  if (asked === 'fs' && /^E[A-Z0-9]+$/.test(code))
    return new VzshellError('ERR_GUEST_FS', text, { details: { errno: code } });
  return new VzshellError('ERR_AGENT', `the guest agent refused: ${text}`, { details });
}

const PROTOCOL_HINT =
  'the guest image and this vzshell are of different versions: stop the VM and start it again, or rebuild the image';

/** A violation of the protocol, as the error that a caller gets. Anything else passes through. */
export function explainViolation(error: unknown): unknown {
  if (!(error instanceof ProtocolError)) return error;
  return new VzshellError('ERR_PROTOCOL', `the guest agent broke the protocol: ${error.message}`, {
    cause: error,
    hint: PROTOCOL_HINT,
  });
}
