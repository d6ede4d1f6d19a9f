import { type ErrorContext, VzshellError } from '../errors.ts';

/** What kept an image from being fetched or installed: `details.reason` of the error, for scripts. */
export type ImageReason =
  | 'not-found'
  | 'unauthorized'
  | 'server'
  | 'network'
  | 'offline'
  | 'proxy'
  | 'certificate'
  | 'integrity'
  | 'too-big'
  | 'no-space'
  | 'format';

export function imageProblem(reason: ImageReason, message: string, context: ErrorContext = {}): VzshellError {
  return new VzshellError('ERR_IMAGE', message, { ...context, details: { ...context.details, reason } });
}

/** Bytes for people: `98 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
