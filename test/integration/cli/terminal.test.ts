// On a terminal: util-linux `script` makes one, and the program is the only thing on it.

import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CLI, ended, said, TestProject } from './project.ts';

const project = new TestProject('terminal');
beforeAll(async () => {
  await project.out(['start']);
});
afterAll(() => project.remove());

/** Runs a line of shell on a terminal of its own. */
function onTerminal(line: string) {
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd: project.root,
    env: { ...project.env, VZ: CLI, TERM: 'xterm-256color', SHELL: '/bin/sh', NO_COLOR: '1' },
  });
  return { child, end: ended(child, [line]) };
}

/** What a terminal shows: Node's raw mode still adds a carriage return to the one that the guest's terminal has added. */
function lines(output: Buffer): string {
  return output.toString().replace(/\r+\n/g, '\n');
}

it('a command gets a terminal, with its size and kind', async () => {
  const { end } = onTerminal(
    'stty rows 33 cols 97; "$VZ" -- sh -c \'test -t 0 && test -t 1 && stty size && echo $TERM\'',
  );
  const { code, stdout } = await end;
  expect(lines(stdout)).toBe('33 97\nxterm-256color\n');
  expect(code).toBe(0);
});

it('without all three on a terminal there is none, and stderr stays apart', async () => {
  const { end } = onTerminal('"$VZ" -- sh -c \'test -t 1 || echo none >&2\' 2>/dev/null; echo "code $?"');
  expect((await end).stdout.toString()).toBe('code 0\r\n');
});

it('the terminal is as it was, however the command ends', async () => {
  const states =
    'before=$(stty -g); "$VZ" -- sh -c "exit 3"; echo "code $?"; [ "$(stty -g)" = "$before" ] && echo same';
  expect((await onTerminal(states).end).stdout.toString()).toBe('code 3\r\nsame\r\n');
});

it('the terminal is as it was after SIGTERM', async () => {
  const program = 'sh -c \'echo "pid=$$."; exec "$VZ" -- sh -c "echo up; exec sleep 1000"\'';
  const { child, end } = onTerminal(
    `before=$(stty -g); ${program}; echo "code $?"; [ "$(stty -g)" = "$before" ] && echo same`,
  );
  const pid = said(child.stdout, '.').then((text) => Number(/pid=(\d+)/.exec(text)?.[1]));
  await said(child.stdout, 'up\r');
  process.kill(await pid, 'SIGTERM');
  expect(lines((await end).stdout)).toMatch(/^pid=\d+\.\nup\ncode 143\nsame\n$/);
});

it('Ctrl-C is for the command', async () => {
  const { child, end } = onTerminal(
    '"$VZ" -- sh -c \'trap "echo caught; exit 9" INT; echo up; while :; do sleep 1; done\'',
  );
  await said(child.stdout, 'up');
  child.stdin.write('\x03');
  const { code, stdout } = await end;
  expect(stdout.toString()).toContain('caught');
  expect(code).toBe(9);
});

it('an interactive shell runs what is typed and exits with its code', async () => {
  const { child, end } = onTerminal('"$VZ" --plain');
  child.stdin.write('echo "$((6 * 7)) in $PWD"; exit 5\r');
  const { code, stdout } = await end;
  expect(stdout.toString()).toContain(`42 in ${project.root}`);
  expect(code).toBe(5);
});
