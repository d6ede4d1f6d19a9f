/** Failures that are written down: a guest can cause as many as it likes, and must not fill the host's disk with them. */
const MOST = 20;

/** Writes the first failures of one kind to the log, and no more. */
export class Complaints {
  readonly #about: string;
  #left = MOST;

  constructor(about: string) {
    this.#about = about;
  }

  add(error: unknown): void {
    if (this.#left === 0) return;
    this.#left -= 1;
    console.error(`${this.#about}:`, error);
  }

  /** From here on nothing is worth a word. */
  close(): void {
    this.#left = 0;
  }
}
