import type { VzshellError } from '../errors.ts';
import type { ExitReason } from './spec.ts';

/** Why a machine ends. */
export interface Ending {
  readonly reason: ExitReason;
  readonly error?: VzshellError;
}

/** The one moment at which it is decided that a machine ends, and why. Whoever decides first is right. */
export class EndSignal {
  readonly #controller = new AbortController();

  /** Aborted at that moment. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Null as long as the machine is to go on. */
  get ending(): Ending | null {
    return this.#controller.signal.aborted ? (this.#controller.signal.reason as Ending) : null;
  }

  decide(ending: Ending): void {
    if (!this.#controller.signal.aborted) this.#controller.abort(ending);
  }

  /** `promise`, or a rejection as soon as the machine is to end. */
  unless<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise<T>((resolve, reject) => {
      const stop = (): void => reject(new Error('the machine is to end'));
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }

  /** Waits until then, at most that many milliseconds. */
  async within(patience: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await this.unless(late).catch(() => undefined);
    clearTimeout(timer);
  }
}
