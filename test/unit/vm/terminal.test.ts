import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCommands } from '../../../src/vm/commands.ts';
import { guestTerm } from '../../../src/vm/term-names.ts';
import type { Commands, GuestProcess } from '../../../src/vm/types.ts';
import { type RunningAgent, startAgent } from '../agent/running-agent.ts';
import { type Compiled, compile } from './compiled.ts';

let running: RunningAgent;
let compiled: Compiled;
/** Stands for the user's machine: its pty is the terminal that the program under test runs on. */
let host: Commands;
let program: string;
beforeAll(async () => {
  [running, compiled] = await Promise.all([startAgent(), compile()]);
  host = createCommands(running.context);
  program = await compiled.script(
    'attach.js',
    `import { attachTerminal } from './vm/terminal.js';
     import { AgentClient } from './agent/client.js';
     const agent = new AgentClient(${JSON.stringify(running.socket)});
     const context = { agent, cwd: '/', lost: async () => new Error('lost') };
     process.exitCode = await attachTerminal(context, process.argv.slice(2)).catch((error) => {
       console.error(error.message);
       return error.details?.reason === 'not-found' ? 127 : 125;
     });`,
  );
}, 120_000);
afterAll(async () => {
  await compiled?.[Symbol.asyncDispose]();
  await running?.[Symbol.asyncDispose]();
});

/** Reads what a terminal shows until `text` is in it. */
class Screen {
  seen = '';
  readonly #chunks: AsyncIterator<Buffer>;

  constructor(process: GuestProcess) {
    this.#chunks = process.stdout[Symbol.asyncIterator]();
  }

  async until(text: string | RegExp): Promise<string> {
    while (typeof text === 'string' ? !this.seen.includes(text) : !text.test(this.seen)) {
      const next = await this.#chunks.next();
      if (next.done === true)
        throw new Error(`the terminal ended without ${String(text)}; it showed ${JSON.stringify(this.seen)}`);
      this.seen += next.value.toString();
    }
    return this.seen;
  }
}

/** On a terminal of its own: a shell that runs the program and then says its exit code and the terminal's mode. */
async function onTerminal(argv: readonly string[]): Promise<{ process: GuestProcess; screen: Screen }> {
  const script = '"$@"; code=$?; stty -a | grep -o "[-]*icanon"; echo "code=$code"';
  const process = await host.spawn('sh', ['-c', script, 'sh', globalThis.process.execPath, program, ...argv], {
    pty: { cols: 90, rows: 25, term: 'tmux-256color' },
  });
  return { process, screen: new Screen(process) };
}

describe('on a terminal', () => {
  test('size, name and exit code are carried over; the mode is restored', async () => {
    const { screen } = await onTerminal(['sh', '-c', 'stty size; echo $TERM; exit 42']);
    expect(await screen.until('code=')).toMatch(/^25 90\r\ntmux-256color\r\nicanon\r\ncode=42/);
  });

  test('keys go to the guest as bytes: Ctrl-C interrupts the command there', async () => {
    const { process, screen } = await onTerminal([
      'bash',
      '-c',
      'trap "echo got INT; exit 9" INT; echo up; while :; do sleep 0.05; done',
    ]);
    await screen.until('up');
    process.stdin.write('\x03');
    expect(await screen.until('code=')).toMatch(/got INT[\s\S]*icanon\r\ncode=9/);
  });

  test('a new window size reaches the command', async () => {
    const { process, screen } = await onTerminal([
      'bash',
      '-c',
      'trap "stty size; exit" WINCH; echo up; while :; do sleep 0.05; done',
    ]);
    await screen.until('up');
    process.resize(123, 45);
    expect(await screen.until('code=')).toMatch(/45 123[\s\S]*code=0/);
  });

  test('TERM from outside ends it as ssh would, with the mode restored', async () => {
    const { screen } = await onTerminal([
      'bash',
      '-c',
      'trap "" TERM; echo "pid=$PPID up"; while :; do sleep 0.05; done',
    ]);
    await screen.until('up');
    await signalProgram('TERM');
    expect(await screen.until(/code=\d+/)).toMatch(/\nicanon\r\ncode=143/);
  });

  test('stopped and continued: cooked in between, raw and resized after', async () => {
    const loop = 'while :; do read -t 0.1 -r line && echo "line <$line>" && exit 7; done';
    const { process, screen } = await onTerminal(['bash', '-c', `trap "stty size" WINCH; echo up; ${loop}`]);
    await screen.until('up');
    await signalProgram('TSTP');
    const stopped = 'until [ "$(ps -o stat= -p "$1" | cut -c1)" = T ]; do sleep 0.02; done; stty -a <"$2"';
    const tty = `/proc/${process.pid}/fd/0`;
    const mode = await host.exec('sh', ['-c', stopped, 'sh', String(await programPid()), tty], { timeout: 5000 });
    expect(mode.stdout).toMatch(/[^-]icanon/);
    process.resize(100, 30);
    await signalProgram('CONT');
    // The size is passed on after the mode is set: a key pressed before that would still be the host's.
    await screen.until('30 100');
    expect((await host.exec('stty', ['-a', '-F', tty])).stdout).toMatch(/-icanon/);
    process.stdin.write('typed\r');
    expect(await screen.until(/code=\d+/)).toMatch(/line <typed>[\s\S]*\nicanon\r\ncode=7/);
  });

  test('an exception in the program restores the mode', async () => {
    const crashing = await compiled.script(
      'crash.js',
      `import { attachTerminal } from './vm/terminal.js';
       import { AgentClient } from './agent/client.js';
       const agent = new AgentClient(${JSON.stringify(running.socket)});
       process.stdout.on('newListener', (name) => { if (name === 'resize') setTimeout(() => { throw new Error('crashed'); }, 100); });
       await attachTerminal({ agent, cwd: '/', lost: async () => new Error('lost') }, ['sleep', '60']);`,
    );
    const script = '"$@"; code=$?; stty -a | grep -o "[-]*icanon"; echo "code=$code"';
    const process = await host.spawn('sh', ['-c', script, 'sh', globalThis.process.execPath, crashing], { pty: true });
    expect(await new Screen(process).until(/code=\d+/)).toMatch(/crashed[\s\S]*\nicanon\r\ncode=1/);
  });
});

async function programPid(): Promise<number> {
  const { stdout } = await host.exec('pgrep', ['-n', '-f', program]);
  return Number(stdout);
}

async function signalProgram(signal: string): Promise<void> {
  await host.exec('kill', ['-s', signal, String(await programPid())]);
}

describe('without a terminal', () => {
  async function run(
    argv: readonly string[],
    input?: string,
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [program, ...argv]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  test('the streams stay apart, the end of input arrives, the code is the command’s', async () => {
    expect(await run(['sh', '-c', 'cat; echo err >&2; exit 3'], 'in\nput')).toEqual({
      code: 3,
      stdout: 'in\nput',
      stderr: 'err\n',
    });
    expect(await run(['sh', '-c', 'kill -TERM $$'])).toMatchObject({ code: 143 });
    expect(await run(['vz-no-such-program'])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('vz-no-such-program'),
    });
  });

  test('5 MB through all pipes', async () => {
    const input = 'x'.repeat(5_000_000);
    const { stdout } = await run(['cat'], input);
    expect(stdout.length).toBe(5_000_000);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    '%s is carried over as a signal, every time',
    async (signal) => {
      // Not bash: it takes a SIGINT for its child's when that ends at the same moment.
      const script = `let n = 0; process.on('${signal}', () => { console.log('got', ++n); if (n === 2) process.exit(5); });
        console.log('up'); setInterval(() => undefined, 1e6)`;
      const child = spawn(process.execPath, [program, process.execPath, '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      expect(String((await lines.next()).value)).toBe('up\n');
      child.kill(signal);
      expect(String((await lines.next()).value)).toBe('got 1\n');
      child.kill(signal);
      expect(String((await lines.next()).value)).toBe('got 2\n');
      expect((await once(child, 'exit'))[0]).toBe(5);
    },
  );

  test('a reader that goes away ends the command: 141, as with SIGPIPE', async () => {
    const script = `'${process.execPath}' '${program}' yes | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const output = await child.stdout.setEncoding('utf8').toArray();
    expect(output.join('')).toBe('y\n141\n');
  });

  test.each([
    ['stdout', 'echo hi', '>', '125\n'],
    // The program above cannot even say so.
    ['stderr', 'echo hi >&2', '2>', '1\n'],
  ])('output that cannot be written, %s on a full disk, is never a success', async (_name, command, to, code) => {
    // Short commands: the error and the end of the command arrive together.
    const script = `for i in 1 2 3 4; do '${process.execPath}' '${program}' sh -c '${command}' ${to} /dev/full; echo "$?"; done`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const output = await child.stdout.setEncoding('utf8').toArray();
    expect(output.join('')).toBe(code.repeat(4));
  });

  test('input that is still open does not hold back the end', async () => {
    const child = spawn(process.execPath, [program, 'true'], { stdio: ['pipe', 'ignore', 'inherit'] });
    expect((await once(child, 'exit'))[0]).toBe(0);
    child.stdin?.destroy();
  });

  test('a signal reaches a command that does not read the much that it is sent', async () => {
    await writeFile(join(running.directory, 'much'), Buffer.alloc(16 * 1024 * 1024));
    const script = `exec '${process.execPath}' '${program}' sh -c 'echo up; exec sleep 60' < '${join(running.directory, 'much')}'`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(143);
  });
});

test.each([
  ['xterm-256color', 'xterm-256color'],
  ['xterm-ghostty', 'xterm-ghostty'],
  ['screen', 'screen'],
  ['vt220', 'vt220'],
  ['foot', 'foot'],
  ['footloose', 'xterm-256color'],
  ['dumb-emacs-thing', 'xterm-256color'],
  ['../../etc/x', 'xterm-256color'],
  [undefined, 'xterm-256color'],
])('TERM %s becomes %s', (term, expected) => {
  expect(guestTerm(term)).toBe(expected);
});
