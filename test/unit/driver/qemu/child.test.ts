import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Child, type ChildOptions, describeExit, startChild } from '../../../../src/driver/qemu/child.ts';
import { RotatingLog } from '../../../../src/driver/rotating-log.ts';
import { scratch } from '../scratch.ts';

function start(script: string, options: Partial<ChildOptions> = {}): Child {
  const directory = scratch();
  const child = startChild({
    name: 'sh',
    setpriv: 'setpriv',
    argv: ['/bin/sh', '-c', script],
    cwd: directory,
    log: join(directory, 'log'),
    ...options,
  });
  onTestFinished(() => child.kill());
  return child;
}

it('keeps what it wrote, to the last byte, and says how it ended', async () => {
  const child = start('echo out; echo err >&2; exit 7');
  const exit = await child.exit;
  expect(exit).toEqual({ code: 7, signal: null });
  expect(readFileSync(child.log, 'utf8').split('\n').sort()).toEqual(['', 'err', 'out']);
  expect(child.running()).toBe(false);
  expect(describeExit(child, exit)).toMatch(/^exited with status 7 \((out|err)\)$/);
});

it('gives its output a file of its own', async () => {
  const output = new RotatingLog(join(scratch(), 'console'), 4096);
  const child = start('echo console; echo err >&2', { output });
  await child.exit;
  expect(readFileSync(output.path, 'utf8')).toBe('console\n');
  expect(readFileSync(child.log, 'utf8')).toBe('err\n');
});

it('talks on descriptor 3', async () => {
  const child = start('read line <&3; echo "got $line" >&3', { channel: true });
  child.channel?.write('hello\n');
  const [answer] = await once(child.channel as NonNullable<typeof child.channel>, 'data');
  expect(String(answer)).toBe('got hello\n');
  await child.exit;
});

it('ends with all that it forked', async () => {
  const child = start('sleep 1000 & echo $! >&3; wait', { channel: true });
  const [text] = await once(child.channel as NonNullable<typeof child.channel>, 'data');
  child.kill();
  expect((await child.exit).signal).toBe('SIGKILL');
  expect(isRunning(Number(String(text)))).toBe(false);
});

it('is over, and says why, when the program does not exist', async () => {
  const child = start('', { argv: ['/no/such/program'] });
  const exit = await child.exit;
  expect(exit.code).toBe(127);
  expect(describeExit(child, exit)).toMatch(/\/no\/such\/program.*not found/);
});

it('is over, and says why, when setpriv does not exist', async () => {
  const child = start('true', { setpriv: '/no/such/setpriv' });
  const exit = await child.exit;
  expect(exit.code).not.toBe(0);
  expect(describeExit(child, exit)).toMatch(/setpriv ENOENT/);
});

it('dies with the process that started it, also by SIGKILL', async () => {
  // Not this process: one that runs the same start, and is killed.
  const code = `
    import { spawn } from 'node:child_process';
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sh', '-c', '[ "$PPID" = "$0" ] && exec "$@"', String(process.pid), 'sleep', '1000']);
    console.log(child.pid);
  `;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [pid] = await once(owner.stdout, 'data');
  const gone = untilGone(Number(String(pid)));
  owner.kill('SIGKILL');
  await gone;
});

function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** `tail --pid` waits for a process that is not our child. */
async function untilGone(pid: number): Promise<void> {
  const waiter = spawn('timeout', ['5', 'tail', '-s', '0.01', `--pid=${pid}`, '-f', '/dev/null']);
  const [code] = await once(waiter, 'exit');
  expect(code).toBe(0);
}
