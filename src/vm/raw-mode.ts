import type { Readable, Writable } from 'node:stream';

/** process.stdin, or something like it. */
export interface TerminalInput extends Readable {
  readonly isTTY?: boolean;
  readonly fd?: number;
  setRawMode?(raw: boolean): unknown;
}

/** process.stdout, or something like it. */
export interface TerminalOutput extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/**
 * Raw mode of a terminal, which must never outlast the program: a shell whose terminal stays raw shows no input. `exit` covers
 * process.exit and uncaught exceptions; the caller covers signals that end the process, by catching them.
 */
export class HostTerminal {
  readonly #input: TerminalInput;
  #onResume = (): void => undefined;

  constructor(input: TerminalInput) {
    this.#input = input;
  }

  /** `onResume` is called when the process goes on after a stop: the window may have another size now. */
  enter(onResume: () => void): void {
    this.#onResume = onResume;
    this.#makeRaw();
    process.on('exit', this.#restore);
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#continue);
  }

  /**
   * Node's raw mode still turns every line feed into two characters, which the guest's terminal has done, or left out on purpose: a
   * full-screen program moves down with it. Done synchronously, so that it cannot come after the mode was restored.
   */
  #makeRaw(): void {
    this.#input.setRawMode?.(true);
    if (this.#input.fd === undefined) return;
    // Not imported above: a command without a terminal need not wait for it.
    const { spawnSync } = process.getBuiltinModule('node:child_process');
    spawnSync('stty', ['-opost'], { stdio: [this.#input.fd, 'ignore', 'ignore'] });
  }

  leave(): void {
    process.off('exit', this.#restore);
    process.off('SIGTSTP', this.#stop);
    process.off('SIGCONT', this.#continue);
    this.#restore();
  }

  readonly #restore = (): void => {
    this.#input.setRawMode?.(false);
  };

  /** From outside only: the key Ctrl-Z is a byte for the guest. */
  readonly #stop = (): void => {
    this.#restore();
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #continue = (): void => {
    // The shell has set its own mode meanwhile, also when this process was stopped with SIGSTOP and could not restore anything.
    // Node takes a mode that it believes to be set for done, hence off and on.
    this.#restore();
    this.#makeRaw();
    this.#onResume();
  };
}
