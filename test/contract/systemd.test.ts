// The profile `systemd`, with Debian's systemd in the checkout's own image: what the agent, process 1 and systemd make of each other is
// the same in the NixOS guest. VZSHELL_CONTRACT_IMAGE names an image that agent.test.ts checks alone.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe } from 'vitest';
import { ARCH } from '../integration/vm/fixture.ts';
import { honoursTheContract } from './contract.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
let made: string | undefined;

afterAll(() => made !== undefined && rmSync(made, { recursive: true, force: true }));

describe.skipIf(process.env.VZSHELL_CONTRACT_IMAGE !== undefined)('with systemd', () => {
  honoursTheContract(() => {
    made = mkdtempSync('/tmp/vzs-systemd-');
    execFileSync(join(ROOT, 'test/contract/systemd-image.sh'), [join(ROOT, 'build/guest', ARCH), made], {
      stdio: 'pipe',
    });
    return join(made, 'manifest.json');
  });
});
