// An image of the shape of NixOS, made by the script that makes the NixOS guest's root: everything in the store, /etc by links, an activation.

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

describe.skipIf(process.env.VZSHELL_CONTRACT_IMAGE !== undefined)('with everything in the store', () => {
  honoursTheContract(() => {
    made = mkdtempSync('/tmp/vzs-store-');
    execFileSync(join(ROOT, 'test/contract/store-image.sh'), [join(ROOT, 'build/guest', ARCH), made], {
      stdio: 'pipe',
    });
    return join(made, 'manifest.json');
  });
});
