import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import { prepareState, statePaths } from '../../../src/state/paths.ts';
import { list } from '../../../src/vm/list.ts';
import { stopVm } from '../../../src/vm/stop.ts';
import { within } from '../../within.ts';

const DIST = pathToFileURL(fileURLToPath(new URL('../../../dist/', import.meta.url))).href;

/** The guest that runs everywhere about as fast. */
export const ARCH = 'arm64';

/** A state directory of this file's own, VMs in it stopped at the end, whatever happened to the tests. */
export function useHome(): void {
  const before = process.env.VZSHELL_HOME;
  let home = '';
  beforeAll(() => {
    home = mkdtempSync('/tmp/vzs-');
    process.env.VZSHELL_HOME = home;
    prepareState(statePaths());
  });
  afterAll(async () => {
    for (const { id, state } of await list()) {
      if (state !== 'stopped' && state !== 'broken') await stopVm(id, { force: true }).catch(() => undefined);
    }
    const left = processesOf(home);
    if (before === undefined) delete process.env.VZSHELL_HOME;
    else process.env.VZSHELL_HOME = before;
    rmSync(home, { recursive: true, force: true });
    expect(left, 'processes that a test left behind').toEqual([]);
  });
}

/** Command lines of the processes that have something of this directory in theirs. */
export function processesOf(directory: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return argv.includes(directory) ? [`${pid}: ${argv.slice(0, 200)}`] : [];
    } catch {
      return [];
    }
  });
}

export interface Leftovers {
  readonly processes: readonly string[];
  readonly runs: readonly string[];
  readonly sockets: readonly string[];
  readonly throwaways: readonly string[];
}

/** Everything of VMs that is left in the state directory: processes, sockets, run directories, throwaway volumes. */
export function leftovers(): Leftovers {
  const paths = statePaths();
  const runs = readdirSync(paths.runs);
  const sockets = runs.flatMap((id) => readdirSync(join(paths.runs, id)).filter((file) => file.includes('.sock')));
  const throwaways = readdirSync(paths.volumes).filter((file) => file.startsWith('throwaway-'));
  return { processes: processesOf(paths.home), runs, sockets, throwaways };
}

export const NOTHING: Leftovers = { processes: [], runs: [], sockets: [], throwaways: [] };

/** Resolves when the process that holds this run directory is gone; the kernel lock tells. */
export function supervisorGone(id: string, patience = 15): void {
  const { runs } = statePaths();
  const lock = join(runs, id, 'lock');
  if (!readdirSync(runs).includes(id)) return;
  execFileSync('flock', ['-w', String(patience), lock, 'true']);
}

export interface Script {
  readonly child: ChildProcess;
  /** The next line of its output. */
  line(): Promise<string>;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Runs a user's script, in a process of its own, against the built package. `Vm` is imported for it. */
export function script(body: string): Script {
  const source = `import { Vm } from ${JSON.stringify(`${DIST}index.js`)};\nimport { ensureVm } from ${JSON.stringify(`${DIST}vm/ensure.js`)};\n${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let text = '';
  let stderr = '';
  let wake: () => void = () => undefined;
  let over = false;
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      lines.push(text.slice(0, end));
      text = text.slice(end + 1);
    }
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>((resolve) => {
    child.once('close', (code, signal) => {
      over = true;
      wake();
      resolve({ code, signal, stderr });
    });
  });
  const line = async (): Promise<string> => {
    for (;;) {
      const next = lines.shift();
      if (next !== undefined) return next;
      if (over) throw new Error(`the script ended without another line: ${stderr}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { child, line: () => within(120_000, 'a line of the script', line()), exit };
}
