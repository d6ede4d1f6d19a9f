import { existsSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunDirectory } from '../../../src/supervisor/run-directory.ts';
import type { ExitRecord, VmSpec } from '../../../src/supervisor/spec.ts';

const EXIT: ExitRecord = { schema: 1, reason: 'stopped', at: '2026-01-01T00:00:00.000Z' };
let runDir: string;
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'vzshell-run-'));
});
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

/** The parts of a spec that its directory is about, with a throwaway volume that was never made. */
function directory(ephemeral: boolean): RunDirectory {
  const volume = {
    name: 'throwaway-0',
    path: join(runDir, 'throwaway-00000000.img'),
    throwaway: true,
    uuid: '',
    size: 0,
  };
  const spec: Pick<VmSpec, 'name' | 'ephemeral' | 'volume'> & { machine: Pick<VmSpec['machine'], 'runDir'> } = {
    name: 'vm',
    ephemeral,
    machine: { runDir },
    volume,
  };
  return new RunDirectory(spec as VmSpec);
}

test('the reason is there before the socket is gone: who is refused finds it', { timeout: 10_000 }, async () => {
  const { paths } = directory(false);
  writeFileSync(paths.control, '');
  const order: string[] = [];
  const gone = new Promise<void>((resolve) => {
    const watcher = watch(runDir, (_event, name) => {
      if (name !== null && ['exit.json', 'control.sock'].includes(name)) order.push(name);
      if (name !== 'control.sock') return;
      watcher.close();
      resolve();
    });
  });
  directory(false).release(EXIT);
  await gone;
  expect(order).toEqual(['exit.json', 'control.sock']);
  expect(existsSync(paths.control)).toBe(false);
});

test('a VM with a random name takes its directory with it', () => {
  const ephemeral = directory(true);
  writeFileSync(ephemeral.paths.control, '');
  ephemeral.release(EXIT);
  expect(existsSync(runDir)).toBe(false);
});
