/** What went wrong, as a closed set that scripts can switch on. */
export type ErrorCode =
  | 'ERR_UNSUPPORTED_HOST'
  | 'ERR_NOT_ENTITLED'
  | 'ERR_HOST_BINARY'
  | 'ERR_INVALID_OPTION'
  | 'ERR_INVALID_STATE'
  | 'ERR_IMAGE'
  | 'ERR_VOLUME'
  | 'ERR_VM_START'
  | 'ERR_VM_STOPPED'
  | 'ERR_NOT_FOUND'
  | 'ERR_AGENT'
  | 'ERR_PROTOCOL'
  | 'ERR_TIMEOUT'
  | 'ERR_EXEC'
  | 'ERR_NIX'
  | 'ERR_GUEST_FS'
  | 'ERR_UNSUPPORTED';

/** What an error carries beside its message. `hint` says what to do next, in the user's words. */
export interface ErrorContext {
  readonly hint?: string;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error type. `message` says what happened and why; `hint` what to do next. */
export class VzshellError extends Error {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    if (context.hint !== undefined) this.hint = context.hint;
    if (context.details !== undefined) this.details = context.details;
  }

  /** Plain data for a socket: the class does not survive JSON. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint !== undefined && { hint: this.hint }),
      ...(this.details !== undefined && { details: this.details }),
    };
  }

  static from(value: SerializedError): VzshellError {
    return new VzshellError(value.code, value.message, value);
  }
}
// On the prototype: an own `name` would be printed as a field beside every message.
Object.defineProperty(VzshellError.prototype, 'name', { value: 'VzshellError', configurable: true });

/** A `VzshellError` as it crosses `control.sock`. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Any thrown value as a `VzshellError`, so that a caller sees one type whatever broke. */
export function asVzshellError(error: unknown, code: ErrorCode): VzshellError {
  if (error instanceof VzshellError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VzshellError(code, message, { cause: error });
}
