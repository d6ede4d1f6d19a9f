import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCommands } from '../../../src/vm/commands.ts';
import type { CommandContext } from '../../../src/vm/context.ts';
import { ExecError } from '../../../src/vm/exec-error.ts';
import type { Commands } from '../../../src/vm/types.ts';
import { type RunningAgent, startAgent } from '../agent/running-agent.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let running: RunningAgent;
let vm: Commands;
beforeAll(async () => {
  running = await startAgent();
  vm = createCommands(running.context);
}, 120_000);
afterAll(() => running?.[Symbol.asyncDispose]());

describe('a result', () => {
  test('has all that the command did', async () => {
    const result = await vm.exec('sh', ['-c', 'echo out; echo err >&2; exit 0']);
    expect(result).toMatchObject({
      command: ['sh', '-c', 'echo out; echo err >&2; exit 0'],
      exitCode: 0,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
    });
    expect(Buffer.from(result.stdoutBytes).toString()).toBe('out\n');
    expect(result.durationMs).toBeGreaterThan(0);
  });

  test('arguments arrive as they were given', async () => {
    const args = ['a b', '', 'q"\'', 'ü', '$HOME', 'line\nline', '-n'];
    const { stdout } = await vm.exec('printf', ['%s\\0', ...args]);
    expect(stdout.split('\0').slice(0, -1)).toEqual(args);
  });

  test('binary output is whole, as bytes', async () => {
    const { stdoutBytes } = await vm.exec('printf', ['\\000\\377\\376a\\n']);
    expect([...stdoutBytes]).toEqual([0, 255, 254, 97, 10]);
  });

  test('cwd, env and an unset variable', async () => {
    await vm.exec('mkdir', ['-p', 'sub dir']);
    const { stdout } = await vm.exec('sh', ['-c', 'pwd; echo "$A"; printenv HOME || echo unset'], {
      cwd: 'sub dir',
      env: { A: 'ä b', HOME: undefined },
    });
    expect(stdout).toBe(`${join(running.directory, 'sub dir')}\nä b\nunset\n`);
  });

  test('sh is a login shell, $ is none', async () => {
    expect((await vm.sh('echo $0 $((1 + 1)); shopt -q login_shell && echo login')).stdout).toMatch(/bash 2\nlogin/);
    expect((await vm.$`echo ${'$((1 + 1))'}`).stdout).toBe('$((1 + 1))\n');
  });
});

describe('input', () => {
  const bytes = randomBytes(300_000);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 100_001);
    yield bytes.subarray(100_001);
  }
  test.each<[string, () => NonNullable<Parameters<Commands['exec']>[2]>['input']]>([
    ['bytes', () => new Uint8Array(bytes)],
    ['a stream', () => Readable.from([bytes], { objectMode: false })],
    ['a web stream', () => new Blob([bytes]).stream() as never],
    ['an async iterable', chunks],
  ])('%s', async (_name, input) => {
    const { stdoutBytes } = await vm.exec('cat', [], { input: input() as Uint8Array });
    expect(sha256(stdoutBytes)).toBe(sha256(bytes));
  });

  test('text, and none', async () => {
    expect((await vm.exec('cat', [], { input: 'ünï' })).stdout).toBe('ünï');
    expect((await vm.exec('cat', [], { input: '' })).stdout).toBe('');
    expect((await vm.exec('cat')).stdout).toBe('');
  });

  test('a command that does not read its input does not fail for it', async () => {
    const result = await vm.exec('true', [], {
      input: Readable.from(
        (function* () {
          for (let megabytes = 0; megabytes < 64; megabytes += 1) yield Buffer.alloc(1024 * 1024);
        })(),
      ),
    });
    expect(result.exitCode).toBe(0);
  });

  test('an input that fails ends the command and is the error', async () => {
    const broken = new Error('the disk is on fire');
    const input = Readable.from(
      (async function* () {
        yield 'some';
        throw broken;
      })(),
    );
    await expect(vm.exec('cat', [], { input })).rejects.toBe(broken);
  });

  test('something else is refused', async () => {
    await expect(vm.exec('cat', [], { input: 5 as unknown as string })).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
    });
  });
});

describe('much', () => {
  test('64 MiB through stdin and stdout, piece by piece', async () => {
    const hash = createHash('sha256');
    const source = createHash('sha256');
    let written = 0;
    const sink = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        hash.update(chunk);
        written += chunk.length;
        callback();
      },
    });
    const input = Readable.from(
      (function* () {
        for (let megabytes = 0; megabytes < 64; megabytes += 1) {
          const chunk = randomBytes(1024 * 1024);
          source.update(chunk);
          yield chunk;
        }
      })(),
    );
    await vm.exec('cat', [], { input, stdout: sink, maxBuffer: 128 * 1024 * 1024 });
    expect(written).toBe(64 * 1024 * 1024);
    expect(hash.digest('hex')).toBe(source.digest('hex'));
  }, 60_000);

  test('64 at once, each with 1 MiB of its own', async () => {
    const all = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const input = Buffer.alloc(1024 * 1024, index);
        const { stdoutBytes, stderr } = await vm.exec('sh', ['-c', `cat; echo ${index} >&2`], { input });
        return stderr === `${index}\n` && sha256(stdoutBytes) === sha256(input);
      }),
    );
    expect(all.every(Boolean)).toBe(true);
  }, 60_000);

  test('a slow tee slows the command down and gets everything', async () => {
    const tee = new PassThrough({ highWaterMark: 1024 });
    const seen: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of tee) {
        seen.push(chunk as Buffer);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const { stdoutBytes } = await vm.exec('head', ['-c', '3000000', '/dev/zero'], { stdout: tee });
    tee.end();
    await reading;
    expect(Buffer.concat(seen).length).toBe(3_000_000);
    expect(stdoutBytes.length).toBe(3_000_000);
  });

  test('a tee that closes does not stop the command', async () => {
    const tee = new PassThrough({ highWaterMark: 16 }).on('error', () => undefined);
    tee.destroy();
    expect((await vm.exec('head', ['-c', '1000000', '/dev/zero'], { stdout: tee })).stdoutBytes.length).toBe(1_000_000);
  });
});

describe('failure', () => {
  test('a non-zero exit rejects with everything in the error', async () => {
    const error = await vm
      .exec('sh', ['-c', 'echo out; echo "no \u001b[31mgood" >&2; exit 3'])
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ExecError);
    expect(error).toMatchObject({ code: 'ERR_EXEC', exitCode: 3, signal: null, stdout: 'out\n', timedOut: false });
    const { message } = error as ExecError;
    expect(message).toMatch(/^command failed with exit code 3: sh -c '/);
    expect(message).toContain('\nno \\x1b[31mgood');
  });

  test('reject: false gives the result', async () => {
    expect(await vm.exec('false', [], { reject: false })).toMatchObject({ exitCode: 1 });
    expect(await vm.exec('sh', ['-c', 'kill -TERM $$'], { reject: false })).toMatchObject({
      exitCode: null,
      signal: 'SIGTERM',
    });
  });

  test('a timeout ends the whole process group', async () => {
    const began = performance.now();
    const failure = vm.exec('sh', ['-c', 'sleep 60 & sleep 60'], { timeout: 200 });
    await expect(failure).rejects.toMatchObject({
      timedOut: true,
      signal: 'SIGTERM',
      message: expect.stringMatching(/timed out after/),
    });
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await vm.exec('sleep', ['60'], { timeout: 50, killSignal: 'SIGINT', reject: false })).toMatchObject({
      signal: 'SIGINT',
    });
  });

  test.each([
    ['no such program', 'vz-no-such-program', {}, 'not-found'],
    ['a directory', '/tmp', {}, 'not-executable'],
    ['no such directory', 'true', { cwd: '/no/such/dir' }, 'bad-cwd'],
    ['no such user', 'true', { user: 'vz-nobody-at-all' }, 'bad-user'],
    ['an argument that is too long', 'true', {}, 'too-big'],
  ])('%s is ERR_EXEC with a reason', async (_name, file, options, reason) => {
    const args = reason === 'too-big' ? ['x'.repeat(1024 * 1024)] : [];
    const error = await vm.exec(file, args, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_EXEC', details: { reason } });
    expect(error).not.toBeInstanceOf(ExecError);
  });

  test('a file without the x bit', async () => {
    await writeFile(join(running.directory, 'plain'), 'text');
    await expect(vm.exec('./plain')).rejects.toMatchObject({ code: 'ERR_EXEC', details: { reason: 'not-executable' } });
  });

  test('too much output ends the command, with what there was', async () => {
    const error = await vm.exec('yes', [], { maxBuffer: 1000, reject: false }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ExecError);
    expect(error).toMatchObject({ details: { reason: 'max-buffer', output: 'stdout' }, exitCode: null });
    expect((error as ExecError).stdoutBytes.length).toBe(1000);
  });

  test.each([
    ['an empty program', () => vm.exec('')],
    ['a NUL', () => vm.exec('echo', ['a\0b'])],
    ['an argument that is no text', () => vm.exec('echo', [1 as unknown as string])],
    ['a variable with =', () => vm.exec('true', [], { env: { 'A=B': 'x' } })],
    ['a negative timeout', () => vm.exec('true', [], { timeout: -1 })],
    ['an unknown signal', () => vm.exec('true', [], { killSignal: 'SIGNOPE' as 'SIGTERM' })],
    ['a terminal of no size', () => vm.exec('true', [], { pty: { cols: 0, rows: 1 } })],
  ])('%s is refused in the words of the option', async (_name, run) => {
    await expect(run()).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
  });
});

describe('abort', () => {
  test('before anything: nothing runs', async () => {
    const reason = new Error('changed my mind');
    await expect(vm.exec('touch', ['ran'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await vm.exec('test', ['-e', 'ran'], { reject: false })).exitCode).toBe(1);
  });

  test('in the middle: the reason untouched, the command ended, no listener left', async () => {
    const controller = new AbortController();
    const reason = { not: 'even an error' };
    const output = new PassThrough();
    const pending = vm.exec(
      'sh',
      ['-c', 'trap "echo ended >aborted; exit" TERM; echo up; while :; do sleep 0.05; done'],
      {
        signal: controller.signal,
        stdout: output,
      },
    );
    await new Promise((resolve) => output.once('data', resolve));
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    // The guest's own word that the signal came: the command reads as long as the file does not exist.
    const { stdout } = await vm.exec('sh', ['-c', 'until [ -s aborted ]; do sleep 0.02; done; cat aborted'], {
      timeout: 5000,
    });
    expect(stdout).toBe('ended\n');
  });

  test('a signal that lives on keeps no listener', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await vm.exec('true', [], { signal });
    expect(listeners).toBe(0);
  });
});

describe('the context', () => {
  test('prepares every command, and the result shows the one that was asked for', async () => {
    const dressed: CommandContext = {
      ...running.context,
      prepare: (start) => ({ ...start, argv: ['env', 'DRESSED=1', ...start.argv] }),
    };
    const result = await createCommands(dressed).exec('sh', ['-c', 'echo $DRESSED']);
    expect(result).toMatchObject({ stdout: '1\n', command: ['sh', '-c', 'echo $DRESSED'] });
  });

  test('may repair what kept a command from starting, once', async () => {
    const missing = join(running.directory, 'required');
    let asked = 0;
    const repairing: CommandContext = {
      ...running.context,
      prepare: (start) => ({ ...start, requires: [missing] }),
      onStartError: async (error) => {
        asked += 1;
        expect(error.details).toMatchObject({ reason: 'required-missing' });
        if (asked > 1) return false;
        await writeFile(missing, '');
        return true;
      },
    };
    expect((await createCommands(repairing).exec('echo', ['repaired'])).stdout).toBe('repaired\n');
    expect(asked).toBe(1);
  });

  test('says why a connection is lost, also while a command runs', async () => {
    await using dying = await startAgent();
    const pending = createCommands(dying.context).exec('sh', ['-c', 'echo up; sleep 60'], {
      stdout: new PassThrough().once('data', () => dying.kill()),
    });
    await expect(pending).rejects.toMatchObject({ code: 'ERR_VM_STOPPED', details: { exit: { reason: 'error' } } });
    await expect(createCommands(dying.context).exec('true')).rejects.toMatchObject({ code: 'ERR_VM_STOPPED' });
  }, 60_000);
});
