/** Calls `onIdle` when no stream has been open for `timeoutMs` milliseconds. Not armed until `arm`. */
export class IdleWatch {
  readonly #timeoutMs: number | null;
  readonly #onIdle: () => void;
  #armed = false;
  #active = 0;
  #changes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(timeoutMs: number | null, onIdle: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
  }

  /** How often streams opened or closed: it tells whether anything happened in between. */
  get changes(): number {
    return this.#changes;
  }

  /** Open streams. */
  get active(): number {
    return this.#active;
  }

  /** The VM is ready and has no owner: from now on idleness counts. */
  arm(): void {
    this.#armed = true;
    this.#restart();
  }

  /** How many streams are open now. */
  streams(active: number): void {
    this.#active = active;
    this.#changes += 1;
    this.#restart();
  }

  close(): void {
    this.#armed = false;
    this.#restart();
  }

  #restart(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#armed || this.#active > 0 || this.#timeoutMs === null) return;
    this.#timer = setTimeout(this.#onIdle, this.#timeoutMs);
  }
}
