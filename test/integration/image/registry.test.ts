// A user's first day behind a company's registry: vzshell is installed from it, the first start fetches the guest from it and boots, and
// nothing else in the world is reachable. After that the registry may go too.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processesOf } from '../vm/fixture.ts';
import { Island, installVerdaccio, Verdaccio } from './verdaccio.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const GUEST = join(ROOT, 'build/npm/guest-arm64');

let top = '';
let island: Island;
let registry: Verdaccio | null = null;
let env: NodeJS.ProcessEnv = {};

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command where only the registry is reachable. */
function run(
  command: readonly string[],
  more: NodeJS.ProcessEnv = {},
  cwd: string = join(top, 'project'),
): Promise<Run> {
  const [program = '', ...args] = [...island.enter, ...command];
  const options = { cwd, env: { ...env, ...more }, timeout: 170_000, maxBuffer: 16 * 1024 ** 2 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
  });
}

/** The same, for what must succeed. */
async function done(command: readonly string[], more: NodeJS.ProcessEnv = {}, cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, more, cwd);
  if (code !== 0) throw new Error(`${command.join(' ')} exited ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** What `npm install vzshell` needs beside vzshell itself. */
function dependencies(): string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; version: string }>;
  };
  const wanted = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional && existsSync(join(ROOT, path)),
  );
  // Some lie there twice, in the same version.
  const named = wanted.map(
    ([path, { version }]) => [`${path.replace(/^.*node_modules\//, '')}@${version}`, path] as const,
  );
  return [...new Map(named).values()].map((path) => join(ROOT, path));
}

beforeAll(async () => {
  top = realpathSync(mkdtempSync('/tmp/vzr-'));
  for (const name of ['project', 'home', 'packed']) mkdirSync(join(top, name));
  writeFileSync(join(top, 'project', 'package.json'), '{"private":true}');
  env = {
    PATH: process.env.PATH,
    HOME: join(top, 'home'),
    VZSHELL_HOME: join(top, 's'),
    // The programs that scripts/setup has built.
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    npm_config_cache: join(top, 'npm-cache'),
    npm_config_globalconfig: join(top, 'no-npmrc'),
    npm_config_update_notifier: 'false',
  };
  installVerdaccio();
  execFileSync(join(ROOT, 'scripts/pack-guest'), ['arm64'], { stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync('npm', ['pack', '--silent', '--pack-destination', join(top, 'packed')], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  island = await Island.create();
  registry = await Verdaccio.start(join(top, 'verdaccio'), island);
  await done([
    process.execPath,
    join(ROOT, 'test/integration/image/publish.mjs'),
    registry.url,
    join(top, 'home/.npmrc'),
    ...dependencies(),
  ]);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  await done(['npm', 'publish', join(top, `packed/vzshell-${version}.tgz`)]);
  await done([
    'npm',
    'publish',
    '--access=restricted',
    `${GUEST.replace('guest-arm64', 'vzshell-guest-arm64')}-${version}.tgz`,
  ]);
}, 600_000);

afterAll(async () => {
  await registry?.stop();
  await island?.remove();
  const left = processesOf(top);
  rmSync(top, { recursive: true, force: true });
  expect(left, 'processes that a test left behind').toEqual([]);
});

const VZSHELL = './node_modules/.bin/vzshell';

test('vzshell is installed, says that it has no guest yet, and cannot fetch one without a login', async () => {
  await done(['npm', 'install', '--no-audit', '--no-fund', 'vzshell']);
  const doctor = JSON.parse((await run([VZSHELL, 'doctor', '--arch', 'arm64', '--json'])).stdout) as {
    findings: readonly { what: string; level: string; detail: string }[];
  };
  expect(doctor.findings.find(({ what }) => what === 'guest image')).toMatchObject({
    level: 'note',
    detail: expect.stringMatching(/@vzshell\/guest-arm64@.* was not fetched yet/),
  });
  const stranger = { npm_config_userconfig: join(top, 'nobody'), npm_config_registry: registry?.url };
  expect(await run([VZSHELL, 'image', 'pull', '--arch', 'arm64'], stranger)).toMatchObject({
    code: 125,
    stdout: '',
    stderr: expect.stringContaining('npm login'),
  });
});

test('the first start fetches the guest and boots it; then no registry is needed, and the guest stays as long as it is used', async () => {
  const { images } = JSON.parse(readFileSync(join(ROOT, 'guests.json'), 'utf8')) as {
    images: { arm64: { manifest: string } };
  };
  const { manifest } = images.arm64;
  const id = manifest.slice(0, 16);
  const vm = (await done([VZSHELL, 'start', '--arch', 'arm64', '--network', 'none'])).trim();
  try {
    await registry?.stop();
    registry = null;
    expect(await done([VZSHELL, 'exec', vm, '--', 'uname', '-m'])).toBe('aarch64\n');
    expect(await done([VZSHELL, 'image', 'prune', '--all'])).toBe('');
    expect(JSON.parse(await done([VZSHELL, 'image', 'list', '--json']))).toMatchObject([{ id, vms: [vm] }]);
  } finally {
    await done([VZSHELL, 'stop', vm]);
  }
  const pull = [VZSHELL, 'image', 'pull', '--arch', 'arm64'];
  expect(await done(pull)).toBe(`${id}\n`);
  const about = JSON.parse(await done([VZSHELL, 'image', 'inspect', '--arch', 'arm64'])) as object;
  expect(about).toMatchObject({ sha256: manifest, path: join(top, 's/images', id, 'manifest.json'), vms: [] });
  expect(await done([VZSHELL, 'image', 'prune'])).toBe('');
  expect(await done([VZSHELL, 'image', 'prune', '--all'])).toBe(`${id}\n`);
  expect(await run(pull)).toMatchObject({ code: 125, stderr: expect.stringContaining('ECONNREFUSED') });
});
