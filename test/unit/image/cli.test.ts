// `vzshell image …` as a process: the built program, as users run it.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { locateImage } from '../../../src/image/locate.ts';
import { PIECE } from '../../../src/image/partial.ts';
import { type TestGuest, TestHost, testGuest } from './host.fixture.ts';
import { TestRegistry } from './registry.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../../bin/vzshell.js', import.meta.url));
const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));

let big: Promise<TestGuest> | null = null;
/** One whose tarball has six pieces. */
function bigGuest(): Promise<TestGuest> {
  big ??= testGuest({}, 5 * PIECE);
  return big;
}

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(host: TestHost, ...args: readonly string[]) {
  return spawn(CLI, ['image', ...args], { cwd: host.top, env: host.env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function image(host: TestHost, ...args: readonly string[]): Promise<Run> {
  const child = start(host, ...args);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await ended)[0], stdout, stderr };
}

test('pull, list, inspect, import and prune, as people type them', async () => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const guest = await testGuest();
  registry.publish('guest', '1.0.0', guest.tarball);
  expect((await image(host, 'list')).stdout).toMatch(/^no images/);
  const pull = ['pull', 'npm:guest', '--arch', 'arm64'];
  expect(await image(host, ...pull)).toEqual({ code: 0, stdout: `${guest.id}\n`, stderr: '' });

  expect((await image(host, 'list')).stdout).toMatch(new RegExp(`^${guest.id} +arm64 +2\\.26\\.3 .*npm:guest$`, 'm'));
  const [row] = JSON.parse((await image(host, 'list', '--json')).stdout) as unknown[];
  expect(row).toMatchObject({ id: guest.id, arch: 'arm64', vms: [], problem: null });
  const about = JSON.parse((await image(host, 'inspect', guest.id)).stdout) as unknown;
  expect(about).toMatchObject({ id: guest.id, sources: ['npm:guest arm64'], manifest: { contract: 1 } });

  const dry = await image(host, 'prune', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: `${guest.id}\n`, stderr: expect.stringMatching(/would free/) });
  expect(await image(host, 'prune')).toMatchObject({ code: 0, stdout: `${guest.id}\n` });
  expect((await image(host, 'list')).stdout).toMatch(/^no images/);
  expect(await image(host, 'inspect', guest.id)).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('there is no guest image at'),
  });
});

test.each([
  [['pull', 'npm:Not A Name'], 'is not the name of an npm package'],
  [['pull', 'http://example.test/manifest.json'], 'could be changed by anybody on the way'],
  [['pull', '--arch', 'mips'], "argument 'mips' is invalid"],
  [['inspect', 'npm:guest'], 'was not fetched yet'],
  [['import', '/nothing'], "there is no guest image at '/nothing'"],
  [['remove'], "unknown command 'remove'"],
])('vzshell image %j is refused in words', async (args, message) => {
  using host = new TestHost();
  expect(await image(host, ...args)).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining(message) });
  expect(host.left).toEqual([]);
});

/** `came` resolves when such a request has come; it, and those like it, are not answered until `go`. */
function holdBack(
  registry: TestRegistry,
  isHeld: (request: IncomingMessage) => boolean,
): { readonly came: Promise<void>; go(): void } {
  let come = (): void => undefined;
  const came = new Promise<void>((resolve) => {
    come = resolve;
  });
  registry.misbehave = (request) => {
    if (!isHeld(request)) return false;
    come();
    return true;
  };
  return {
    came,
    go: () => {
      registry.misbehave = () => false;
    },
  };
}

test.each(['SIGKILL', 'SIGINT'] as const)(
  '%s in the middle of a download: the next one goes on, and then nothing is left of it',
  async (signal) => {
    await using registry = await TestRegistry.start();
    using host = new TestHost([`registry=${registry.url}`]);
    const guest = await bigGuest();
    registry.publish('guest', '1.0.0', guest.tarball);
    const last = holdBack(registry, ({ headers }) => headers.range?.startsWith(`bytes=${4 * PIECE}-`) === true);
    const child = start(host, 'pull', 'npm:guest', '--arch', 'arm64');
    const ended = once(child, 'close');
    await last.came;
    child.kill(signal);
    expect(await ended).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [130, null]);
    expect(await image(host, 'list', '--json')).toMatchObject({ stdout: '[]\n' });
    last.go();
    registry.seen.length = 0;
    expect(await image(host, 'pull', 'npm:guest', '--arch', 'arm64')).toMatchObject({
      code: 0,
      stdout: `${guest.id}\n`,
    });
    // Up to four pieces were on their way when it died; the others were there.
    expect(registry.fetched.length).toBeLessThan(6);
    expect(host.left.filter((name) => !name.startsWith(guest.id))).toEqual(['downloads', 'sources.json']);
  },
);

test('SIGKILL with half of an image there: no half image is ever seen, and the next one makes a whole one', async () => {
  await using server = await TestRegistry.start();
  using host = new TestHost();
  const guest = await testGuest();
  const url = server.serve('manifest.json', guest.manifest);
  for (const [name, bytes] of Object.entries(guest.files)) server.serve(name, bytes);
  const last = holdBack(server, ({ url: path }) => path === '/root.erofs');
  const child = start(host, 'pull', url, '--arch', 'arm64');
  const ended = once(child, 'close');
  await last.came;
  child.kill('SIGKILL');
  await ended;
  expect(host.left.some((name) => /^\.new-.*\/kernel$/.test(name))).toBe(true);
  expect(await image(host, 'list', '--json')).toMatchObject({ stdout: '[]\n' });
  last.go();
  expect(await image(host, 'pull', url, '--arch', 'arm64')).toMatchObject({ code: 0, stdout: `${guest.id}\n` });
  expect(host.left.filter((name) => !name.startsWith(guest.id))).toEqual(['downloads', 'sources.json']);
});

test.runIf(process.getuid?.() === 0).each([
  ['download', '4m'],
  ['image', '12m'],
])('a disk too full for the %s is said to be so, with what to do, and nothing is left', async (_, size) => {
  await using registry = await TestRegistry.start();
  using host = new TestHost([`registry=${registry.url}`]);
  const guest = await testGuest({}, PIECE);
  registry.publish('guest', '1.0.0', guest.tarball);
  const home = join(host.top, 's');
  mkdirSync(home, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'none', home]);
  try {
    const options = { arch: 'arm64', env: host.env, image: 'npm:guest' } as const;
    await expect(locateImage(options)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining('no space left for a guest image'),
      hint: expect.stringContaining('vzshell image prune'),
      details: { reason: 'no-space' },
    });
    expect(host.left).toEqual(['downloads']);
    execFileSync('mount', ['-o', 'remount,size=64m', home]);
    expect((await locateImage(options)).id).toBe(guest.id);
  } finally {
    execFileSync('umount', [home]);
  }
});

test('what only fetching needs is not loaded before something is fetched', async () => {
  using host = new TestHost();
  const guest = await testGuest();
  const directory = join(host.top, 'guest');
  mkdirSync(directory);
  for (const [name, bytes] of Object.entries({ ...guest.files, 'manifest.json': guest.manifest })) {
    writeFileSync(join(directory, name), bytes);
  }
  const script = `
    import { createRequire } from 'node:module';
    const { cache } = createRequire(${JSON.stringify(CLI)});
    const npm = () => Object.keys(cache).filter((path) => /npm-registry-fetch|npmcli|fzstd|xz-decompress/.test(path)).length;
    await import(${JSON.stringify(join(DIST, 'index.js'))});
    const { locateImage } = await import(${JSON.stringify(join(DIST, 'image/locate.js'))});
    await locateImage({ arch: 'arm64', image: ${JSON.stringify(directory)} });
    const before = npm();
    await locateImage({ arch: 'arm64', image: 'npm:guest' }).catch(() => undefined);
    console.log(before, npm() > 0);`;
  const options = { env: { ...host.env, npm_config_registry: 'http://127.0.0.1:1/' }, encoding: 'utf8' } as const;
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], options)).toBe('0 true\n');
});
