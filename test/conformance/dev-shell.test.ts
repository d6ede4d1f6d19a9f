// The README's demo through each driver: `vzshell -- make test` in the dev shell of examples/hello, by a supervisor of its own.

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from '../integration/cli/project.ts';
import { LOOKALIKE_ADDON, LOOKALIKE_HELPER } from '../lookalike/use.ts';
import { countCases, DRIVERS } from './drivers.ts';

const HOST = fileURLToPath(new URL('../../dist/host/main.js', import.meta.url));

/** Stands for the signed executable of a Mac: the same program, in this node, with the look-alike's addon. */
function executable(project: TestProject): string {
  const path = join(project.top, 'vzshell');
  const set = {
    VZSHELL_VZ_ADDON: LOOKALIKE_ADDON,
    VZ_LOOKALIKE_HELPER: LOOKALIKE_HELPER,
    VZ_LOOKALIKE_NODE: process.execPath,
  };
  const exports = Object.entries(set).map(([name, value]) => `export ${name}='${value}'\n`);
  writeFileSync(path, `#!/bin/sh\n${exports.join('')}exec '${process.execPath}' '${HOST}' "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

describe.each(DRIVERS)('$name', (candidate) => {
  countCases(candidate);
  const { driver } = candidate;
  const project = new TestProject('hello');
  const env: Record<string, string> = { VZSHELL_DRIVER: driver.name };
  if (driver.name === 'vz' && process.platform === 'linux') env.VZSHELL_HOST_BINARY = executable(project);
  beforeAll(() => project.copyExample('hello'));
  afterAll(() => project.remove());

  it('runs make test in the dev shell', async () => {
    const { code, stdout, stderr } = await project.run(['--', 'make', 'test'], { env });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.toString()).toMatch(/Linux/);
  });

  it('is the driver that was asked for', async () => {
    expect(JSON.parse(await project.out(['list', '--json'], { env }))).toMatchObject([{ driver: driver.name }]);
  });

  it('runs a command in the VM that runs, and keeps its files', async () => {
    expect(await project.out(['--', 'sh', '-c', 'uname -s; echo made in the guest > made'], { env })).toBe('Linux\n');
    expect(readFileSync(join(project.root, 'made'), 'utf8')).toBe('made in the guest\n');
  });

  it('stops, and starts again with its volume', async () => {
    await project.out(['stop'], { env });
    expect(await project.out(['--', 'cat', 'made'], { env })).toBe('made in the guest\n');
    await project.out(['stop'], { env });
    expect(JSON.parse(await project.out(['list', '--json'], { env }))).toMatchObject([{ state: 'stopped' }]);
  });
});
