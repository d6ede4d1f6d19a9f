import { Interrupted } from './interrupted.ts';

/** Ctrl-C while `work` runs ends it and whatever it began, then this process as the signal would have. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const listeners = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const listener = (): void => interrupted.abort(new Interrupted(name));
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  try {
    return await work(interrupted.signal);
  } finally {
    for (const off of listeners) off();
  }
}
