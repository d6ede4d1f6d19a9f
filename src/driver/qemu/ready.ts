// Daemons listen before QEMU is started, because QEMU gives up on a socket that is not there.

import { existsSync, type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { VzshellError } from '../../errors.ts';
import { type Child, describeExit } from './child.ts';

/** Milliseconds. They take 5 to 20. */
const PATIENCE = 10_000;
/** Milliseconds between looks where the kernel grants no directory watch (fs.inotify.max_user_instances is used up). */
const LOOK_EVERY = 5;

/** Resolves when `child` listens on the socket `path`; rejects when it exits or takes too long, or with the signal's reason. */
export function listening(path: string, child: Child, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = false;
    const settle = (finish: () => void): void => {
      if (done) return;
      done = true;
      stopLooking();
      clearTimeout(deadline);
      signal?.removeEventListener('abort', aborted);
      finish();
    };
    const fail = (why: string): void =>
      settle(() => reject(new VzshellError('ERR_VM_START', `cannot start the machine: ${child.name} ${why}`)));
    const aborted = (): void => settle(() => reject(signal?.reason));
    const look = (): void => {
      if (done || !existsSync(path)) return;
      if (isListening(path)) settle(resolve);
      // bind(2) made the file, listen(2) is the program's next call, and no event tells of it.
      else setImmediate(look);
    };
    const stopLooking = onDirectoryChange(path, look);
    const deadline = setTimeout(() => fail(`did not listen within ${PATIENCE / 1000} s`), PATIENCE);
    signal?.addEventListener('abort', aborted, { once: true });
    void child.exit.then((exit) => fail(describeExit(child, exit)));
    if (signal?.aborted === true) aborted();
    look();
  });
}

function onDirectoryChange(path: string, look: () => void): () => void {
  const name = basename(path);
  let watcher: FSWatcher;
  try {
    watcher = watch(dirname(path), (_event, file) => {
      if (file === name) look();
    });
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    const timer = setInterval(look, LOOK_EVERY);
    return () => clearInterval(timer);
  }
}

/** In `/proc/net/unix`, the flag __SO_ACCEPTCON says that a socket listens. */
function isListening(path: string): boolean {
  const sockets = readFileSync('/proc/net/unix', 'latin1');
  const end = sockets.indexOf(` ${Buffer.from(path).toString('latin1')}\n`);
  if (end < 0) return false;
  // num: refcount protocol flags type state inode path
  return sockets.slice(sockets.lastIndexOf('\n', end) + 1, end).split(/\s+/)[3] === '00010000';
}
