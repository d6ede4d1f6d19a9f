/**
 * Calls `act` once when `signal` aborts, at once when it already has. Returns what takes the listener off again: a signal that
 * lives as long as the program would otherwise collect one listener for every call it was given to.
 */
export function onAbort(signal: AbortSignal | undefined, act: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    act(signal.reason);
    return () => undefined;
  }
  const listener = (): void => act(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
