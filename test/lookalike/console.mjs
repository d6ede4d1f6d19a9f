// The guest's console where the configuration wants it: the driver writes to a path, and a file handle has one under /proc.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { CannotBoot } from './machine-spec.mjs';

/** The descriptor that a file handle for writing comes as. */
const OUTPUT = 1;

export class Console {
  path;
  #copier = null;

  constructor(directory, serialPorts, { output, input }) {
    const attachment = serialPorts[0]?.attachment ?? null;
    if (input) throw new CannotBoot('a serial port that the host writes to');
    if (attachment?.class === 'VZFileSerialPortAttachment') this.path = this.#file(directory, attachment);
    else if (output) this.path = this.#handle(directory);
    else this.path = join(directory, 'console.log');
  }

  /** When all that the guest wrote is written. */
  async close() {
    const { exit, end } = this.#copier ?? {};
    end?.();
    await exit;
  }

  /** The driver begins its log anew. */
  #file(directory, { URL, append }) {
    return append ? this.#copied(directory, openSync(URL, 'a')) : URL;
  }

  /** A pipe can be opened a second time; a socket cannot. */
  #handle(directory) {
    return fstatSync(OUTPUT).isFIFO() ? `/proc/self/fd/${OUTPUT}` : this.#copied(directory, OUTPUT);
  }

  #copied(directory, target) {
    const path = join(directory, 'console');
    const made = spawnSync('mkfifo', [path]);
    if (made.status !== 0) throw new Error(`mkfifo ${path}: ${made.stderr}`);
    // Open for both: no end waits for the other, and the copier sees the end only when this one is closed.
    const both = openSync(path, constants.O_RDWR);
    const child = spawn('cat', [path], { stdio: ['ignore', target, 'inherit'] });
    this.#copier = {
      exit: new Promise((resolve) => child.once('exit', resolve)),
      end: () => closeSync(both),
    };
    return path;
  }
}
