// What a running guest must do on every driver. One guest per driver serves the file.

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dial } from '../../src/agent/dial.ts';
import type { Arch } from '../../src/driver/driver.ts';
import { within } from '../within.ts';
import { countCases, DRIVERS } from './drivers.ts';
import { consoleOf, Guest } from './machine.ts';

describe.each(DRIVERS)('$name', (candidate) => {
  countCases(candidate);
  let guest: Guest;
  let runDir: string;
  /** Host ports that the guest may dial must have their listener before the machine starts. */
  let callers: net.Server;
  beforeAll(async () => {
    runDir = mkdtempSync('/tmp/vzc-');
    const shares = ['rw', 'ro'].map((tag) => {
      mkdirSync(join(runDir, tag));
      writeFileSync(join(runDir, tag, 'file'), 'from the host');
      return { tag, path: join(runDir, tag), readOnly: tag === 'ro' };
    });
    callers = net.createServer().listen(`${join(runDir, 'vsock.sock')}_4000`);
    guest = await Guest.boot(candidate, { runDir, shares });
    await guest.configure();
  });
  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    callers.close();
    rmSync(runDir, { recursive: true, force: true });
  });

  it('boots: the agent reports by itself', () => {
    expect(guest.hello).toMatchObject({ event: 'hello', protocol: 1, arch: candidate.arch });
    expect(guest.machine.accelerator).toMatch(/^(kvm|tcg|vz)$/);
  });

  it('runs a command: output, both streams, exit code', async () => {
    expect(await guest.run('echo out; echo err >&2; exit 7')).toEqual({
      code: 7,
      output: expect.stringMatching(/out/),
    });
    expect((await guest.run('nproc; uname -m')).output).toMatch(/^1\n(aarch64|x86_64)\n$/);
  });

  it('gives a command its input, to the last byte', async () => {
    const stream = await guest.agent.open({ op: 'exec', argv: ['sha256sum'], user: 'root', stdin: true });
    const bytes = randomBytes(3_000_001);
    stream.input.end(bytes);
    const { output } = await guest.finish('sha256sum', stream);
    expect(output).toBe(`${createHash('sha256').update(bytes).digest('hex')}  -\n`);
  });

  it('gives a command a terminal', async () => {
    const stream = await guest.agent.open({
      op: 'exec',
      argv: ['/bin/sh', '-c', 'tty; stty size'],
      pty: { cols: 91, rows: 33, term: 'xterm' },
    });
    expect((await guest.finish('stty', stream)).output).toMatch(/^\/dev\/pts\/\d+\r\n33 91\r\n$/);
  });

  it('has shares: writable both ways, read-only on the host’s word', async () => {
    expect(await guest.run('cat /mnt/ro/file && echo from the guest >/mnt/rw/new')).toEqual({
      code: 0,
      output: 'from the host',
    });
    expect(readFileSync(join(runDir, 'rw/new'), 'utf8')).toBe('from the guest\n');
    writeFileSync(join(runDir, 'rw/later'), 'written later');
    expect((await guest.run('cat /mnt/rw/later')).output).toBe('written later');
    for (const attempt of ['echo x >/mnt/ro/file', 'touch /mnt/ro/new', 'rm /mnt/ro/file']) {
      expect((await guest.run(attempt)).code, attempt).not.toBe(0);
    }
    expect(readdirSync(join(runDir, 'ro'))).toEqual(['file']);
  });

  it('refuses a vsock port on which nobody listens, at once', async () => {
    await expect(within(5_000, 'a refusal', dial(guest.spec.vsockPath, 9), consoleOf(guest.spec))).rejects.toThrow(
      'nothing in the guest takes connections on vsock port 9',
    );
  });

  it('carries 64 connections at once, each its own bytes', async () => {
    const answers = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const stream = await guest.agent.open({ op: 'exec', argv: ['cat'], stdin: true });
        stream.input.end(String(index).repeat(5_000));
        return (await guest.finish(`cat ${index}`, stream)).output;
      }),
    );
    expect(answers).toEqual(Array.from({ length: 64 }, (_, index) => String(index).repeat(5_000)));
  });

  it('carries what the guest dials to the host’s socket of that port, and answers back', async () => {
    const heard = new Promise<string>((resolve) => {
      callers.once('connection', (socket) => {
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk;
          if (text.endsWith('\n')) socket.end('heard\n', () => resolve(text));
        });
        socket.on('error', () => socket.destroy());
      });
    });
    buildDialer(candidate.arch, join(runDir, 'rw/dialer'));
    expect(await guest.run('echo from the guest | /mnt/rw/dialer 4000')).toEqual({ code: 0, output: 'heard\n' });
    expect(await within(10_000, 'the guest calls', heard, consoleOf(guest.spec))).toBe('from the guest\n');
  });

  it('keeps the console in a bounded log', async () => {
    const { path, maxBytes } = guest.spec.console;
    await guest.run("head -c 500000 /dev/zero | tr '\\0' x >/dev/hvc0; echo the last words >/dev/hvc0");
    expect(statSync(path).size).toBeLessThanOrEqual(maxBytes);
    expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(maxBytes);
  });

  it('stands still while it is paused, and loses nothing', async () => {
    const stream = await guest.agent.open({ op: 'exec', argv: ['cat'], stdin: true });
    const echoed = new Promise<string>((resolve) => stream.data.once('data', (chunk) => resolve(String(chunk))));
    await guest.machine.pause();
    stream.input.write('written while it stood still');
    const asked = guest.agent.hello();
    expect(await Promise.race([asked, echoed, new Promise((resolve) => setImmediate(resolve, 'silence'))])).toBe(
      'silence',
    );
    await guest.machine.resume();
    expect(await within(20_000, 'an echo', echoed, consoleOf(guest.spec))).toBe('written while it stood still');
    expect((await within(20_000, 'an answer', asked, consoleOf(guest.spec))).configured).toBe(true);
    stream.input.end();
    await guest.finish('cat', stream);
  });
});

/** Nothing in the image speaks vsock but the agent. */
function buildDialer(arch: Arch, output: string): void {
  const source = new URL('./dialer/main.go', import.meta.url).pathname;
  execFileSync('go', ['build', '-o', output, source], {
    env: { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: arch === 'arm64' ? 'arm64' : 'amd64' },
  });
}
