// The guest's kernel remembers inodes of shares for as long as it has memory, and for each the host holds a descriptor open. So the
// agent is told how many the host can bear, and trims; here it is kept what became of it.

import type { Machine } from '../driver/driver.ts';
import type { SharesStatus } from './spec.ts';

export class ShareWatch {
  #machine: Machine | null = null;
  #limit: number | null = null;
  #trims = 0;

  /** Begins with a machine. `override` stands for the limit of the host, for tests. */
  watch(machine: Machine, override: string | undefined = process.env.VZSHELL_SHARE_LIMIT): void {
    this.#machine = machine;
    this.#limit = override === undefined || override === '' ? (machine.shareUse()?.limit ?? null) : Number(override);
  }

  /** For `configure`. */
  get limit(): { readonly shareLimit?: number } {
    return this.#limit === null ? {} : { shareLimit: this.#limit };
  }

  trimmed(): void {
    this.#trims += 1;
  }

  status(): SharesStatus | null {
    const use = this.#machine?.shareUse() ?? null;
    return use && { limit: this.#limit, open: use.open, trims: this.#trims };
  }
}
