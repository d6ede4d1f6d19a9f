import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { findPrograms, requirePrograms, searchPath } from '../../../../src/driver/qemu/programs.ts';
import { Memory } from '../../../../src/driver/qemu/remember.ts';
import { failure, scratch } from '../scratch.ts';

beforeEach(() => () => vi.unstubAllEnvs());

function script(directory: string, name: string, says: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), `#!/bin/sh\n${says}\n`);
  chmodSync(join(directory, name), 0o755);
}

/** This host's programs are out of sight, but for what lies in the distribution's folders. */
function emptyHost(): string {
  const directory = scratch();
  vi.stubEnv('PATH', join(directory, 'path'));
  vi.stubEnv('XDG_CACHE_HOME', join(directory, 'cache'));
  vi.stubEnv('VZSHELL_TOOLS', join(directory, 'tools'));
  return directory;
}

it('finds the programs of this host and their versions', async () => {
  const { found, missing } = await findPrograms('arm64', new Memory(join(scratch(), 'probes.json')));
  expect(missing).toEqual([]);
  expect(found.qemu?.path).toMatch(/\/qemu-system-aarch64$/);
  for (const program of Object.values(found)) expect(program.version).toMatch(/^\d+\.\d+/);
});

it('names each missing program, what it is for, and how to get it', async () => {
  const directory = emptyHost();
  const programs = await findPrograms('x86_64', new Memory(join(directory, 'probes.json')));
  const names = programs.missing.map(({ what }) => what);
  expect(names).toEqual(expect.arrayContaining(['qemu-system-x86_64', 'vhost-device-vsock', 'setpriv']));
  for (const { why, fix } of programs.missing) {
    expect(why).toMatch(/^not found; it /);
    expect(fix).toMatch(/install/);
  }
  const { code, message, hint } = failure(() => requirePrograms(programs));
  expect(code).toBe('ERR_UNSUPPORTED_HOST');
  for (const name of names) expect(message).toContain(name);
  for (const { fix } of programs.missing) expect(hint).toContain(fix);
});

it('refuses a QEMU that is too old, and says which it found', async () => {
  const directory = emptyHost();
  script(join(directory, 'tools'), 'qemu-system-aarch64', 'echo "QEMU emulator version 7.2.13 (Debian 1:7.2)"');
  const { missing } = await findPrograms('arm64', new Memory(join(directory, 'probes.json')));
  expect(missing.find(({ what }) => what === 'qemu-system-aarch64')?.why).toMatch(
    /tools\/qemu-system-aarch64 is version 7\.2\.13, 8 or newer is needed/,
  );
});

it('says so when a program does not run', async () => {
  const directory = emptyHost();
  script(join(directory, 'path'), 'setpriv', 'echo no >&2; exit 3');
  const { missing } = await findPrograms('arm64', new Memory(join(directory, 'probes.json')));
  expect(missing.find(({ what }) => what === 'setpriv')?.why).toMatch(/path\/setpriv does not run: /);
});

it('asks a program for its version once, until the file changes', async () => {
  const directory = emptyHost();
  const memory = new Memory(join(directory, 'probes.json'));
  const tools = join(directory, 'tools');
  script(tools, 'setpriv', 'echo "setpriv 1.0"');
  expect((await findPrograms('arm64', memory)).found.setpriv?.version).toBe('1.0');
  script(tools, 'setpriv', 'echo "setpriv 1.1 (new)"');
  expect((await findPrograms('arm64', memory)).found.setpriv?.version).toBe('1.1');
  expect(memory.recall('nothing')).toBeNull();
});

it('looks into VZSHELL_TOOLS first, then PATH, then the cache of scripts/setup', () => {
  const path = searchPath({ VZSHELL_TOOLS: '/t', PATH: '/usr/bin:relative:/bin', XDG_CACHE_HOME: '/c' });
  expect(path.slice(0, 4)).toEqual(['/t', '/usr/bin', '/bin', '/c/vzshell/tools/bin']);
});
