// What is done when a guest has just finished something, and nobody waits for it.

import { Complaints } from './complaints.ts';

/** Milliseconds: the next command of a row does not meet it. */
const DELAY = 1000;

/** Does `work` a moment after the last stream in the guest has ended. The stream that `work` itself opens does not count. */
export class QuietWork {
  readonly #work: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  /** The next end is that of our own stream. */
  #ours = false;
  readonly #complaints = new Complaints('after a command');

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** The number of open streams has become zero, or more. */
  streams(active: number): void {
    clearTimeout(this.#timer);
    if (active > 0) return;
    if (this.#ours) this.#ours = false;
    else this.#timer = setTimeout(() => void this.#run(), DELAY);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#complaints.close();
  }

  async #run(): Promise<void> {
    this.#ours = true;
    try {
      await this.#work();
    } catch (error) {
      this.#complaints.add(error);
    }
  }
}
