// Between its start and QEMU's connection, virtiofsd's worker waits in accept(2) as the first process of a PID namespace: the
// parent-death signal does not reach it, and without a connection it would wait for ever after a SIGKILL of this process. So
// for that time a shell holds the other end of a pipe, and kills the groups it was told of when the pipe ends.

import { spawn } from 'node:child_process';

const SCRIPT = 'groups=; while read -r pid; do groups="$groups -$pid"; done; kill -s KILL -- $groups 2>/dev/null';

export interface Guard {
  /** Adds a process group, by its leader. */
  add(pid: number): void;
  /** Ends the guard; its groups live on. */
  release(): void;
}

/** Starts a guard. */
export function startGuard(): Guard {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], cwd: '/', detached: true });
  shell.stdin.on('error', () => shell.stdin.destroy());
  // Without a shell nothing here would work; the first child reports it.
  shell.on('error', () => shell.stdin.destroy());
  return {
    add: (pid) => void shell.stdin.write(`${pid}\n`),
    release: () => {
      shell.kill('SIGKILL');
      shell.stdin.destroy();
    },
  };
}
