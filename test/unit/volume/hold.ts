import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { StatePaths } from '../../../src/state/paths.ts';
import { volumeFiles } from '../../../src/volume/files.ts';

/** Holds a volume's lock as a supervisor would, until the test is over. */
export async function hold(paths: StatePaths, name: string): Promise<ChildProcess> {
  const holder = spawn('flock', ['--no-fork', volumeFiles(paths, name).lock, 'sh', '-c', 'echo; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  return holder;
}
