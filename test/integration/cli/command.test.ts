// `vzshell -- CMD` in a real guest: what a command is given, and what comes back. One VM for the whole file.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, ended, said, TestProject } from './project.ts';

/** The file that bin/vzshell.js loads first; prints its result behind what the command printed. */
const FAST = `require(${JSON.stringify(fileURLToPath(new URL('../../../dist/cli/warm.cjs', import.meta.url)))})
  .warm(process.argv.slice(1)).then((code) => { process.stdout.write(String(code)); process.exit(); })`;

const project = new TestProject('my project ü');
const run = project.run.bind(project);
const out = project.out.bind(project);

beforeAll(async () => {
  // Two starts at once of the same project: one starts the VM, the other joins it.
  const both = await Promise.all([run(['--', 'true']), run(['--', 'true'])]);
  for (const { code, stderr } of both) if (code !== 0) throw new Error(stderr);
});
afterAll(() => project.remove());

it('two starts at once make one VM', async () => {
  const vms = JSON.parse(await out(['list', '--json'])) as { name: string; state: string; arch: string }[];
  expect(vms).toMatchObject([
    { state: 'running', arch: 'arm64', name: expect.stringMatching(/^my-project-.*[0-9a-f]{6}$/) },
  ]);
});

describe('exit codes', () => {
  it.each([
    ["the command's own", ['sh', '-c', 'exit 42'], 42],
    ['128 and the signal', ['sh', '-c', 'kill -TERM $$'], 143],
    ['128 and SIGKILL', ['sh', '-c', 'kill -KILL $$'], 137],
    ['0', ['true'], 0],
    ['255', ['sh', '-c', 'exit 255'], 255],
    ['not found', ['no-such-program-here'], 127],
    ['not found by its path', ['./no/such'], 127],
    ['not executable', ['/etc/passwd'], 126],
    ['a directory', ['/etc'], 126],
  ] as const)('%s', async (_, argv, code) => {
    expect((await run(['--', ...argv])).code).toBe(code);
  });

  it('of a command that is not found come with its name, on stderr', async () => {
    const { stdout, stderr } = await run(['--', 'no-such-program-here']);
    expect(stdout.length).toBe(0);
    expect(stderr).toMatch(/^vzshell: .*no-such-program-here/);
  });
});

describe('what goes in and out', () => {
  it('arguments arrive as given', async () => {
    const argv = ['a b', '', 'q"\'', 'ü', '$HOME', '*', '-n', '--', 'two\nlines', '\\'];
    expect(await out(['--', 'printf', '%s\\n', ...argv])).toBe(argv.map((each) => `${each}\n`).join(''));
  });

  it('the longest argument that this host can give arrives whole', async () => {
    const long = 'x'.repeat(128 * 1024 - 1);
    expect(await out(['--', 'printf', '%s', long])).toBe(long);
    expect(await out(['--', 'sh', '-c', 'echo $#', 'sh', ...Array.from({ length: 10 }, () => long)])).toBe('10\n');
  });

  it('10 MiB of stdin arrive whole', async () => {
    const input = randomBytes(10_485_761);
    const sum = await out(['--', 'sha256sum'], { input });
    expect(sum.split(' ')[0]).toBe(createHash('sha256').update(input).digest('hex'));
  });

  it('bytes come back as they are: NUL, invalid UTF-8, no line end', async () => {
    const input = Buffer.from([0, 255, 254, 10, 0xc3, 13, 27, 0x80]);
    expect((await run(['--', 'cat'], { input })).stdout).toEqual(input);
  });

  it('stdout and stderr stay apart, and nothing of ours is in them', async () => {
    expect(await run(['--', 'sh', '-c', 'echo out; echo err >&2'])).toEqual({
      code: 0,
      stdout: Buffer.from('out\n'),
      stderr: 'err\n',
    });
  });

  it('--no-stdin leaves the input to others', async () => {
    expect(await out(['-n', '--', 'cat'], { input: 'not for you' })).toBe('');
  });

  it('/dev/null is an input that has ended', () => {
    const options = { cwd: project.root, env: project.env, encoding: 'utf8' } as const;
    const { status, stdout } = spawnSync(CLI, ['--', 'sh', '-c', 'cat; echo over'], {
      ...options,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'over\n' });
  });

  it('a reader that goes away ends the command, like a broken pipe', async () => {
    const child = project.start(['--', 'yes']);
    const end = ended(child, ['yes']);
    await said(child.stdout, 'y');
    child.stdout.destroy();
    expect((await end).code).toBe(141);
  });
});

describe('where and as whom', () => {
  it('the current directory is kept', async () => {
    mkdirSync(join(project.root, 'deep/er here'), { recursive: true });
    expect(await out(['--', 'pwd'], { cwd: join(project.root, 'deep/er here') })).toBe(
      `${project.root}/deep/er here\n`,
    );
  });

  it('files are the same on both sides, with the same owner', async () => {
    await out(['--', 'sh', '-c', 'echo from guest >made.txt']);
    expect(readFileSync(join(project.root, 'made.txt'), 'utf8')).toBe('from guest\n');
    expect(statSync(join(project.root, 'made.txt')).uid).toBe(process.getuid?.());
    project.write('host.txt', 'from host');
    expect(await out(['--', 'cat', 'host.txt'])).toBe('from host');
  });

  it('without a network Nix has no substituters to try', async () => {
    expect(await out(['--', 'nix', 'config', 'show', 'substituters'])).toBe('\n');
  });

  it('nothing beside the project is there', async () => {
    project.write('../beside.txt', 'secret');
    expect((await run(['--', 'test', '-e', join(project.top, 'beside.txt')])).code).toBe(1);
  });

  it('--workdir, --user and --env say otherwise', async () => {
    expect(await out(['--workdir', '/usr', '--', 'pwd'])).toBe('/usr\n');
    expect(await out(['--user', 'nobody', '--workdir', '/', '--', 'id', '-un'])).toBe('nobody\n');
    project.write('x.env', 'A=file\nB="two\\nlines"\n');
    expect(await out(['--env-file', 'x.env', '-e', 'A=flag', '--', 'printenv', 'A', 'B'])).toBe('flag\ntwo\nlines\n');
  });

  it('a directory that the guest does not have is said to be missing', async () => {
    const { code, stderr } = await run(['--workdir', '/no/such', '--', 'true']);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^vzshell: .*\/no\/such/);
  });

  it('another machine than the one that runs is refused, and nothing happens to it', async () => {
    const { code, stderr } = await run(['--memory', '3GiB', '--', 'true']);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^vzshell: vm '.*' runs already, with other memory/);
    expect((await run(['--', 'true'])).code).toBe(0);
  });
});

describe('signals', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s reaches the command', async (signal, code) => {
    const child = project.start(['--', 'sh', '-c', 'echo ready; exec sleep 1000']);
    const end = ended(child, [signal]);
    await said(child.stdout, 'ready');
    child.kill(signal);
    expect((await end).code).toBe(code);
  });

  it('a command may handle it and say how it ends', async () => {
    const child = project.start([
      '--',
      'bash',
      '-c',
      'trap "echo bye; exit 7" TERM; echo ready; while :; do read -t 1 || :; done',
    ]);
    const end = ended(child, ['trap']);
    await said(child.stdout, 'ready');
    child.kill('SIGTERM');
    const { code, stdout } = await end;
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 7, stdout: 'ready\nbye\n' });
  });

  it('SIGKILL of the client ends the command in the guest', async () => {
    const gone = new Promise<void>((resolve) => {
      const watcher = watch(project.root, () => {
        if (!existsSync(join(project.root, 'hung-up'))) return;
        watcher.close();
        resolve();
      });
    });
    const child = project.start([
      '--',
      'bash',
      '-c',
      'trap "touch hung-up; exit" HUP; echo ready; while :; do read -t 1 || :; done',
    ]);
    await said(child.stdout, 'ready');
    child.kill('SIGKILL');
    await gone;
  });
});

describe('verbs', () => {
  it('exec runs in a VM by name, without the project', async () => {
    const name = await project.vmName();
    expect(await out(['exec', name, '--', 'echo', '--flag', 'a b'], { cwd: '/' })).toBe('--flag a b\n');
    expect((await run(['exec', name, 'sh', '-c', 'exit 3'], { cwd: '/' })).code).toBe(3);
    expect((await run(['exec', `${name}x`, 'true'])).stderr).toContain(`did you mean '${name}'?`);
  });

  it('cp copies both ways', async () => {
    const text = randomBytes(100_000).toString('hex');
    project.write('up.txt', text);
    await out(['cp', 'up.txt', ':/tmp/there.txt']);
    await out(['cp', ':/tmp/there.txt', './down.txt']);
    expect(readFileSync(join(project.root, 'down.txt'), 'utf8')).toBe(text);
  });

  it('inspect tells the host processes, logs the console', async () => {
    const { state, processes } = JSON.parse(await out(['inspect'])) as { state: string; processes: { name: string }[] };
    expect(state).toBe('running');
    expect(processes.map(({ name }) => name).join(' ')).toMatch(/qemu/);
    expect((await run(['logs'])).code).toBe(0);
    expect((await run(['logs', '--supervisor'])).code).toBe(0);
  });

  it('forward makes a guest port one of the host until it is interrupted', async () => {
    const forward = project.start(['forward', ':8123']);
    const forwarded = ended(forward, ['forward']);
    await said(forward.stdout, 'http://127.0.0.1:');
    forward.kill('SIGINT');
    const { code, stdout } = await forwarded;
    expect(code).toBe(130);
    expect(stdout.toString()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/);
  });
});

it('a command in a VM that runs takes the fast way, which leaves everything else to the program', async () => {
  const fast = (...argv: readonly string[]): string =>
    execFileSync(process.execPath, ['-e', FAST, '--', ...argv], {
      cwd: project.root,
      env: project.env,
      encoding: 'utf8',
    });
  expect(fast('--', 'sh', '-c', 'echo hello; exit 3')).toBe('hello\n3');
  expect(fast('--', 'no-such-program-here')).toBe('127');
  expect(fast('list')).toBe('null');
  expect(fast('--verbose', '--', 'true')).toBe('null');
});

it('a damaged record of a VM that runs is said to be one, and of a dead one it is replaced', async () => {
  const record = join(project.env.VZSHELL_HOME ?? '', 'run', await id(), 'vm.json');
  const text = readFileSync(record);
  writeFileSync(record, '{');
  expect(await run(['--', 'true'])).toMatchObject({ code: 125, stderr: expect.stringContaining('is damaged') });
  await out(['stop', await id()]);
  writeFileSync(record, text.subarray(0, 100));
  expect(await out(['--', 'echo', 'healed'])).toBe('healed\n');
});

it('after a stop the next command starts the machine again', async () => {
  await out(['stop']);
  expect(JSON.parse(await out(['list', '--json']))).toMatchObject([{ state: 'stopped' }]);
  expect(await out(['--', 'echo', 'again'])).toBe('again\n');
});

async function id(): Promise<string> {
  const [vm] = JSON.parse(await out(['list', '--json'])) as { id: string }[];
  if (vm === undefined) throw new Error('there is no VM');
  return vm.id;
}
