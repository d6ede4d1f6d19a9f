import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LockRefused, withLock } from '../../../src/state/lock.ts';

const DIST = new URL('../../../dist/state/lock.js', import.meta.url).href;

test('a process that is killed while it holds a lock gives it back', async () => {
  const directory = mkdtempSync('/tmp/vzs-lock-');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'lock');
  const source = `import { withLock } from ${JSON.stringify(DIST)};
    await withLock(${JSON.stringify(path)}, {}, () => { console.log('held'); return new Promise((resolve) => setTimeout(resolve, 60_000)); });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await expect(withLock(path, { wait: 0 }, async () => 'mine')).rejects.toBeInstanceOf(LockRefused);
  holder.kill('SIGKILL');
  await expect(withLock(path, { wait: 5000 }, async () => 'mine')).resolves.toBe('mine');
});
