// The guest's console where the configuration wants it. The driver writes to a path; for anything but a new file that is a named
// pipe, which a process of its own empties: the driver's writes wait for nobody else in here.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { CannotBoot } from './machine-spec.mjs';

/** The descriptor that a file handle for writing comes as. */
const OUTPUT = 1;

export class Console {
  path;
  #pipe = null;
  #copier = null;

  constructor(directory, serialPorts, { output, input }) {
    const attachment = serialPorts[0]?.attachment ?? null;
    if (input) throw new CannotBoot('a serial port that the host writes to');
    if (attachment?.class === 'VZFileSerialPortAttachment') this.path = this.#file(directory, attachment);
    else if (output) this.path = this.#copied(directory, OUTPUT);
    else this.path = join(directory, 'console.log');
  }

  /** When all that the guest wrote is written. */
  async close() {
    if (this.#pipe === null) return;
    closeSync(this.#pipe);
    await this.#copier.exit;
  }

  /** Who owned the console is gone: it sees its end, and what the guest writes is dropped from now on. */
  park() {
    if (this.#pipe === null) return;
    this.#copier.kill();
    closeSync(OUTPUT);
    // The lowest free number is the one just closed: no pipe of a child's may get it.
    openSync('/dev/null', 'r+');
    this.#copier = copier(this.path, 'ignore');
  }

  /** The driver begins its log anew. */
  #file(directory, { URL, append }) {
    return append ? this.#copied(directory, openSync(URL, 'a')) : URL;
  }

  #copied(directory, target) {
    const path = join(directory, 'console');
    const made = spawnSync('mkfifo', [path]);
    if (made.status !== 0) throw new Error(`mkfifo ${path}: ${made.stderr}`);
    // Open for both: no end waits for the other, and the copier sees the end only when this one is closed.
    this.#pipe = openSync(path, constants.O_RDWR);
    this.#copier = copier(path, target);
    return path;
  }
}

function copier(path, target) {
  const child = spawn('cat', [path], { stdio: ['ignore', target, 'inherit'] });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  return { exit, kill: () => child.kill('SIGKILL') };
}
