import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCommands } from '../../../src/vm/commands.ts';
import type { Commands, OutputChunk } from '../../../src/vm/types.ts';
import { type RunningAgent, startAgent } from '../agent/running-agent.ts';
import { type Compiled, compile } from './compiled.ts';

let running: RunningAgent;
let vm: Commands;
beforeAll(async () => {
  running = await startAgent();
  vm = createCommands(running.context);
}, 120_000);
afterAll(() => running?.[Symbol.asyncDispose]());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('a conversation: every line is answered before the next is said', async () => {
  await using cat = await vm.spawn('cat');
  expect(cat.pid).toBeGreaterThan(1);
  const lines = cat.lines()[Symbol.asyncIterator]();
  for (const word of ['one', 'zwei ü', 'three']) {
    cat.stdin.write(`${word}\n`);
    expect((await lines.next()).value).toBe(word);
  }
  cat.stdin.end();
  expect((await lines.next()).done).toBe(true);
  expect(await cat.exited).toEqual({ exitCode: 0, signal: null, timedOut: false });
});

test('stdout and stderr apart, and together in their order', async () => {
  const script = 'echo 1; sleep 0.05; echo 2 >&2; sleep 0.05; echo 3';
  const apart = await vm.spawn('sh', ['-c', script]);
  expect(await Promise.all([all(apart.lines()), all(apart.lines('stderr'))])).toEqual([['1', '3'], ['2']]);
  const together = await vm.spawn('sh', ['-c', script]);
  const chunks = (await all<OutputChunk>(together.output())).map(({ from, data }) => [
    from,
    Buffer.from(data).toString(),
  ]);
  expect(chunks).toEqual([
    ['stdout', '1\n'],
    ['stderr', '2\n'],
    ['stdout', '3\n'],
  ]);
});

test('lines: characters stay whole, ends go, what has none is the last', async () => {
  // One byte a write: every character of more than one byte is cut.
  const script = 'for b in 303 274 015 012 012 342 202 254 377 041; do printf "\\\\$b"; sleep 0.01; done';
  const process = await vm.spawn('bash', ['-c', script]);
  expect(await all(process.lines())).toEqual(['ü', '', '€\ufffd!']);
});

test('leaving the lines early lets the command go on to its end', async () => {
  const process = await vm.spawn('sh', ['-c', 'seq 200000; exit 7']);
  for await (const line of process.lines()) {
    expect(line).toBe('1');
    break;
  }
  expect((await process.exited).exitCode).toBe(7);
});

test('kill reaches the whole process group, and does nothing after the end', async () => {
  const process = await vm.spawn('sh', ['-c', 'sleep 60 & echo up; wait']);
  await process.lines()[Symbol.asyncIterator]().next();
  await process.kill();
  expect(await process.exited).toEqual({ exitCode: null, signal: 'SIGTERM', timedOut: false });
  await process.kill('SIGKILL');
  await expect(process.kill('SIGNOPE' as 'SIGTERM')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
});

test('kill reaches a command that does not read its input', async () => {
  const process = await vm.spawn('sleep', ['60']);
  // More than all buffers on the way: the signal would wait behind it for ever.
  process.stdin.write(Buffer.alloc(8 * 1024 * 1024));
  await process.kill('SIGINT');
  expect(await process.exited).toMatchObject({ signal: 'SIGINT' });
});

test('a resize reaches a command that does not read its input', async () => {
  const script = 'stty raw -echo; trap "stty size; exit" WINCH; echo up; while :; do sleep 0.02; done';
  const shell = await vm.spawn('bash', ['-c', script], { pty: true });
  const lines = shell.lines()[Symbol.asyncIterator]();
  expect((await lines.next()).value).toContain('up');
  shell.stdin.write(Buffer.alloc(8 * 1024 * 1024));
  shell.resize(132, 50);
  expect((await lines.next()).value).toBe('50 132');
  expect((await shell.exited).exitCode).toBe(0);
});

test('destroying stdin is its end', async () => {
  const process = await vm.spawn('cat');
  process.stdin.destroy();
  expect((await process.exited).exitCode).toBe(0);
});

describe('a terminal', () => {
  test('has its size, its name, and one stream', async () => {
    await using shell = await vm.spawn(
      'sh',
      ['-c', 'tty >/dev/null && echo tty; stty size; echo $TERM; echo err >&2'],
      {
        pty: { cols: 101, rows: 31, term: 'vt100' },
      },
    );
    expect(shell.stderr).toBeNull();
    expect(await all(shell.lines())).toEqual(['tty', '31 101', 'vt100', 'err']);
    expect(() => shell.lines('stderr')).toThrow(/no stderr/);
  });

  test('is resized, and the command is told', async () => {
    await using shell = await vm.spawn(
      'bash',
      ['-c', 'trap "stty size; exit" WINCH; echo up; while :; do sleep 0.02; done'],
      { pty: true },
    );
    const lines = shell.lines()[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('up');
    shell.resize(133, 44);
    expect((await lines.next()).value).toBe('44 133');
    expect(() => shell.resize(0, 1)).toThrow(/cols/);
  });

  test('Ctrl-C is a byte that interrupts, Ctrl-D one that ends', async () => {
    // exec: a shell may swallow the interrupt in the moment in which it forks.
    const sleeping = await vm.spawn('sh', ['-c', 'echo up; exec sleep 60'], { pty: true });
    await sleeping.lines()[Symbol.asyncIterator]().next();
    sleeping.stdin.write('\x03');
    expect((await sleeping.exited).signal).toBe('SIGINT');
    const cat = await vm.spawn('cat', [], { pty: true });
    cat.stdin.end();
    expect((await cat.exited).exitCode).toBe(0);
  });
});

test('the end of the block ends the command', async () => {
  let pid = 0;
  {
    await using process = await vm.spawn('yes');
    pid = process.pid;
  }
  // The group is gone: there is nobody to signal.
  expect((await vm.exec('kill', ['-0', '--', `-${pid}`], { reject: false })).exitCode).toBe(1);
});

test('an abort ends the command with its kill signal', async () => {
  const controller = new AbortController();
  const process = await vm.spawn('sleep', ['60'], { signal: controller.signal, killSignal: 'SIGUSR1' });
  controller.abort();
  expect(await process.exited).toMatchObject({ signal: 'SIGUSR1' });
});

test('a timeout is said', async () => {
  const process = await vm.spawn('sleep', ['60'], { timeout: 50 });
  expect(await process.exited).toEqual({ exitCode: null, signal: 'SIGTERM', timedOut: true });
});

test('a lost connection rejects the exit with its reason and breaks the output', async () => {
  await using dying = await startAgent();
  const process = await createCommands(dying.context).spawn('sh', ['-c', 'echo up; sleep 60']);
  const lines = process.lines()[Symbol.asyncIterator]();
  await lines.next();
  await dying.kill();
  await expect(process.exited).rejects.toMatchObject({ code: 'ERR_VM_STOPPED' });
  await expect(lines.next()).rejects.toThrow();
}, 60_000);

describe('a script', () => {
  let compiled: Compiled;
  beforeAll(async () => {
    compiled = await compile();
  }, 120_000);
  afterAll(() => compiled?.[Symbol.asyncDispose]());

  test.each([
    ['ends beside a process that it forgot', 'console.log("end")', 'end\n'],
    ['lasts while it waits for an exit', 'console.log((await started.exited).exitCode)', '0\n'],
    ['lasts while it reads output', 'for await (const line of started.lines()) console.log(line)', 'done\n'],
    [
      'lasts while a command runs',
      'console.log((await vm.exec("sh", ["-c", "sleep 0.3; echo ran"])).stdout)',
      'ran\n\n',
    ],
  ])(
    '%s',
    async (_name, last, expected) => {
      const path = await compiled.script(
        'script.js',
        `import { createCommands } from './vm/commands.js';
       import { AgentClient } from './agent/client.js';
       const agent = new AgentClient(${JSON.stringify(running.socket)});
       const vm = createCommands({ agent, cwd: '/', lost: async () => new Error('lost') });
       const started = await vm.spawn('sh', ['-c', 'sleep 0.3; echo done']);
       ${last};`,
      );
      const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 10_000 });
      expect(stdout).toBe(expected);
    },
    20_000,
  );
});
