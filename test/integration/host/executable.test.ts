// The single executable as a user's whole vzshell, and as the supervisor of somebody else's: on a Mac it is the only one that may
// own a machine. Here it is made for Linux, and owns a real one.

import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ended, TestProject } from '../cli/project.ts';

const project = new TestProject('executable');
const executable = join(project.top, 'package/bin/vzshell');
const root = new URL('../../../', import.meta.url);
/** It looks for images beside its own bin/, where this checkout's are not. */
const image = project.env.VZSHELL_IMAGE_ARM64 ?? new URL('build/guest/arm64', root).pathname;

beforeAll(async () => {
  const { assemble } = (await import(new URL('scripts/macos/executable.mjs', root).href)) as {
    assemble: (root: string, target: string, output: string) => Promise<string[]>;
  };
  await assemble(root.pathname, 'linux-x64', executable);
});
afterAll(() => project.remove());

/** What runs as the supervisor of the project's VM. */
async function supervisor(): Promise<string> {
  const [vm] = JSON.parse(await project.out(['list', '--json'])) as { pid: number }[];
  return realpathSync(readlinkSync(`/proc/${vm?.pid}/exe`));
}

it('VZSHELL_HOST_BINARY names what supervises: it boots a guest and runs a command in it', async () => {
  const env = { VZSHELL_HOST_BINARY: executable };
  expect(await project.out(['--', 'cat', '/proc/sys/kernel/ostype'], { env })).toBe('Linux\n');
  expect(await supervisor()).toBe(executable);
  await project.out(['stop']);
});

it('is a CLI that supervises by itself: dev shell, files, exit codes', async () => {
  const run = (args: readonly string[]) => {
    const child = spawn(executable, args, { cwd: project.root, env: { ...project.env, VZSHELL_IMAGE_ARM64: image } });
    child.stdin.end();
    return ended(child, args);
  };
  expect(await run(['--', 'sh', '-c', 'echo here > file; exit 42'])).toMatchObject({ code: 42 });
  expect(readFileSync(join(project.root, 'file'), 'utf8')).toBe('here\n');
  expect(await supervisor()).toBe(executable);
  // The second goes the fast way, into the VM that runs.
  expect(await run(['--', 'sh', '-c', 'exit 43'])).toMatchObject({ code: 43, stderr: '' });
  expect(await run(['stop'])).toMatchObject({ code: 0, stderr: '' });
});
