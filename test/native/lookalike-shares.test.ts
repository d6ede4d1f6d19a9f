// A share of several directories, seen from the guest; and the guest's memory across save and restore.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentClient } from '../../src/agent/client.ts';
import type { Share } from '../../src/driver/devices.ts';
import { guestConfiguration } from '../guest-machine.ts';
import { Guest } from './guest.ts';
import { config, vz } from './machine.ts';

const host = mkdtempSync('/tmp/vzn-several-');
for (const name of ['one', 'two', 'three']) {
  mkdirSync(join(host, name));
  writeFileSync(join(host, name, 'hello'), `this is ${name}`);
}

/** A name with `!` is read-only. */
function several(...names: string[]): Share {
  const entries = names.map((name) => {
    const bare = name.replace('!', '');
    return [bare, { path: join(host, bare), readOnly: name !== bare }] as const;
  });
  return { kind: 'multiple', directories: Object.fromEntries(entries) };
}

async function run(agent: AgentClient, script: string): Promise<string> {
  const stream = await agent.open({
    op: 'exec',
    argv: ['/bin/sh', '-c', `{ ${script}\n} 2>&1`],
    user: 'root',
    stdin: false,
  });
  stream.stderr.resume();
  // The exit may be told before the last output has been read.
  const output: Buffer[] = await stream.data.toArray();
  return Buffer.concat(output).toString().trim();
}

describe('several directories in one share', () => {
  const shares = [{ tag: 'several', share: several('one', 'two!') }];
  let guest: Guest;

  beforeAll(async () => {
    guest = await Guest.boot({ shares });
    await guest.agent.configure({
      ...guestConfiguration({ shares: [], network: 'none' }),
      shares: [{ tag: 'several', target: '/mnt/s', readOnly: false }],
    });
  });
  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    rmSync(host, { recursive: true });
  });

  it('lie side by side, each writable or not', async () => {
    expect(await run(guest.agent, 'cat /mnt/s/one/hello; echo; cat /mnt/s/two/hello')).toBe('this is one\nthis is two');
    expect(await run(guest.agent, 'echo new >/mnt/s/one/new && cat /mnt/s/one/new')).toBe('new');
    expect(await run(guest.agent, 'echo new >/mnt/s/two/new')).toContain('Read-only file system');
    expect(await run(guest.agent, 'echo new >/mnt/s/new')).toContain('Read-only file system');
  });

  it('come and go while the guest runs', async () => {
    await guest.machine.setShare('several', several('one', 'three'));
    // The guest knows a name for a moment longer; a new one it has to ask for.
    expect(await run(guest.agent, 'until cat /mnt/s/three/hello; do :; done 2>/dev/null')).toBe('this is three');
    expect(await run(guest.agent, 'echo more >>/mnt/s/one/new; cat /mnt/s/one/new')).toBe('new\nmore');
  });

  it('are there after save and restore, as is all that the guest had in memory', async () => {
    await guest.machine.setShare('several', several('one', 'two!'));
    await run(guest.agent, 'echo remembered >/tmp/memory');
    const { machineIdentifier } = guest.machine.identity();
    const file = join(guest.directory, 'saved');
    await guest.machine.pause();
    await guest.machine.save(file);
    await guest.machine.stop();

    const next = new vz.Machine(
      config({ shares, platform: { machineIdentifier, nestedVirtualization: false } }),
      () => undefined,
    );
    const path = join(guest.directory, 'next.sock');
    await next.serve(path, []);
    await next.restore(file);
    await next.resume();
    expect(await run(new AgentClient(path), 'cat /tmp/memory; cat /mnt/s/one/new')).toBe('remembered\nnew\nmore');
    await next.close();
  });
});
