// What is done when a guest has just finished something, and nobody waits for it.

import { Complaints } from './complaints.ts';

/** Milliseconds: the next command of a row does not meet it. */
const DELAY = 1000;

/**
 * Does `work` a moment after the last stream in the guest has ended. The one stream that `work` itself opens does not count; another
 * that is open at the same time does, and is told from it by the number of streams that the guest has opened.
 */
export class QuietWork {
  readonly #work: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  /** Streams that were opened in the guest, and how many of them `work` has looked at or opened. */
  #opened = 0;
  #done = 0;
  readonly #complaints = new Complaints('after a command');

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** The number of open streams has become zero, or more; `opened` of them there were since boot. */
  streams(active: number, opened: number): void {
    clearTimeout(this.#timer);
    this.#opened = opened;
    if (active === 0 && opened > this.#done) this.#timer = setTimeout(() => void this.#run(), DELAY);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#complaints.close();
  }

  async #run(): Promise<void> {
    const before = this.#opened;
    this.#done = before + 1;
    try {
      await this.#work();
    } catch (error) {
      this.#complaints.add(error);
    }
    // It came to no stream: the next one is somebody else's.
    if (this.#opened === before) this.#done = before;
  }
}
