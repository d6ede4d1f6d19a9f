// One line on a terminal that says what is being waited for. It is erased before anything else is written, and it does not
// appear where nobody reads it. With --verbose each phase is a line of its own, with its time.

import type { StartProgress } from '../vm/types.ts';

const PHASES: Readonly<Record<StartProgress['phase'], string>> = {
  image: 'looking for the guest image',
  store: "looking through the host's Nix store, once",
  boot: 'starting the virtual machine',
  agent: 'waiting for the guest',
  mounts: 'mounting',
  ready: 'ready',
};
/** Milliseconds before the line appears: what is done sooner needs no words. */
const PATIENCE = 300;
const ERASE = '\r\x1b[2K';

export class Progress {
  readonly #verbose: boolean;
  readonly #shown: boolean;
  readonly #began = performance.now();
  #phase: { readonly name: string; readonly since: number } | null = null;
  #drawn = false;
  #text = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(verbose: boolean) {
    this.#verbose = verbose;
    this.#shown = !verbose && process.stderr.isTTY === true && process.env.TERM !== 'dumb';
  }

  /** A phase of a start, or a piece of news of the phase that runs. */
  readonly onStart = ({ phase, note }: StartProgress): void => {
    this.phase(phase === 'ready' ? null : PHASES[phase], note);
  };

  /** A new phase begins and the one before is over; null: all are over. */
  phase(name: string | null, note?: string): void {
    const now = performance.now();
    if (this.#phase !== null && this.#phase.name !== name) {
      const { name: done, since } = this.#phase;
      if (this.#verbose) process.stderr.write(`vzshell: ${done}: ${seconds(now - since)}\n`);
      this.#phase = null;
    }
    if (name === null) {
      this.erase();
      return;
    }
    this.#phase ??= { name, since: now };
    this.#draw(note === undefined ? name : `${name}: ${note}`);
  }

  /** News of the phase that runs. */
  detail(text: string): void {
    if (this.#verbose) process.stderr.write(`  ${text}\n`);
    else if (this.#phase !== null) this.#draw(`${this.#phase.name}: ${text}`);
  }

  /** A line that stays. */
  note(text: string): void {
    this.erase();
    process.stderr.write(`${text}\n`);
    if (this.#phase !== null) this.#draw(this.#phase.name);
  }

  /** With --verbose: what is worth a line of its own, with the time since the beginning. */
  verbose(text: string): void {
    if (this.#verbose) process.stderr.write(`vzshell: ${text} (at ${seconds(performance.now() - this.#began)})\n`);
  }

  /** Nothing of it is left on the terminal. */
  erase(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#drawn) process.stderr.write(ERASE);
    this.#drawn = false;
  }

  #draw(text: string): void {
    this.#text = text;
    if (!this.#shown) return;
    if (this.#drawn || performance.now() - this.#began > PATIENCE) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), PATIENCE).unref();
  }

  #write(): void {
    const columns = process.stderr.columns || 80;
    const line = `vzshell: ${this.#text} …`;
    const fits = [...line].slice(0, columns - 1).join('');
    process.stderr.write(`${ERASE}${process.env.NO_COLOR ? fits : `\x1b[2m${fits}\x1b[22m`}`);
    this.#drawn = true;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
