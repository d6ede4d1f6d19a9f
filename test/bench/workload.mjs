// What the bench works on.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program and gives its stdout; a failure carries its stderr. */
export async function run(file, args, extra = {}) {
  const { stdout } = await execute(file, args, { maxBuffer: 1 << 26, ...extra });
  return stdout;
}

/** The probe of test/bench/probe, compiled for a Go architecture. */
export async function buildProbe(directory, goArch) {
  const out = path.join(directory, `probe-${goArch}`);
  const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: goArch };
  await run('go', ['build', '-trimpath', '-o', out, '.'], { cwd: path.join(import.meta.dirname, 'probe'), env });
  return out;
}

/** `vm.json` of a running VM. */
export function readRecord(vm) {
  return JSON.parse(readFileSync(path.join(vm.info.directory, 'vm.json'), 'utf8'));
}

/** A tree like a small repository: many small files in some directories. */
export function makeSmallFiles(directory, count) {
  for (let index = 0; index < count; index++) {
    const folder = path.join(directory, String(index % 50));
    if (index < 50) mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `${index}.txt`), `file ${index}\n`.repeat(100));
  }
}
