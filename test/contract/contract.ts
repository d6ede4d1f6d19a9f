// The guest contract, as whoever uses a guest sees it: checks.sh in one booted guest, then what is left when that was stopped.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { readManifest } from '../../src/image/manifest.ts';
import { statePaths } from '../../src/state/paths.ts';
import { useHome } from '../integration/vm/fixture.ts';

const CHECKS = fileURLToPath(new URL('checks.sh', import.meta.url));
const USER = { name: 'alice', uid: 1234, gid: 1234 } as const;
const names = execFileSync('bash', [CHECKS, '--list'], { encoding: 'utf8' }).trim().split('\n');

/** Declares the tests, for the image whose manifest `imageOf` names once the tests run. */
export function honoursTheContract(imageOf: () => string | Promise<string>): void {
  useHome();

  let share: string;
  let results: Map<string, string>;
  let volume: string;
  let console_: string;

  beforeAll(async () => {
    share = mkdtempSync('/tmp/vzs-contract-');
    const image = await imageOf();
    const { manifest } = await readManifest(image);
    const vm = await Vm.create({
      image,
      arch: manifest.arch,
      name: 'contract',
      volume: 'contract',
      disk: '2GiB',
      network: 'none',
      memory: '1GiB',
      user: USER,
      mounts: [{ source: share }],
    });
    const run = await vm.exec('bash', ['-s'], {
      input: readFileSync(CHECKS),
      reject: false,
      env: {
        PROFILE: manifest.cmdline.split(' ').includes('vzshell.init=systemd') ? 'systemd' : 'agent',
        WANTED_USER: USER.name,
        WANTED_UID: String(USER.uid),
        WANTED_GID: String(USER.gid),
        WANTED_HOSTNAME: 'contract',
        SHARE: share,
        HOST_SECONDS: String(Math.floor(Date.now() / 1000)),
      },
    });
    const lines = run.stdout.trim().split('\n');
    results = new Map(
      lines.map((line) => {
        const [, verdict, name, why] = /^(ok|not ok) ([^:]*)(?:: (.*))?$/.exec(line) ?? [];
        return [name ?? line, verdict === 'ok' ? 'ok' : (why ?? line)];
      }),
    );
    results.set('stderr', run.stderr);
    await vm.stop();
    volume = join(statePaths().volumes, 'contract.img');
    console_ = readFileSync(join(statePaths().runs, vm.id, 'console.log'), 'latin1');
  }, 600_000);

  afterAll(() => rmSync(share, { recursive: true, force: true }));

  describe('in the guest', () => {
    test.each(names)('%s', (name) => {
      expect(results.get(name) ?? `was not run: ${JSON.stringify([...results])}`).toBe('ok');
    });
  });

  describe('when the guest was stopped', () => {
    test('the volume is clean', () => {
      // Status 0: no error, and no journal to replay.
      expect(
        execFileSync('/sbin/e2fsck', ['-fn', volume], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
      ).toMatch(/files/);
      expect(
        execFileSync('/sbin/dumpe2fs', ['-h', volume], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      ).not.toMatch(/needs_recovery/);
    });

    test('nothing was still in use', () => {
      expect(console_).not.toMatch(/BUG:/);
    });
  });
}
