// The checkout's own image, or the one whose manifest VZSHELL_CONTRACT_IMAGE names: the NixOS guest's workflow does that.

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ARCH } from '../integration/vm/fixture.ts';
import { honoursTheContract } from './contract.ts';

honoursTheContract(
  () =>
    process.env.VZSHELL_CONTRACT_IMAGE ??
    realpathSync(fileURLToPath(new URL(`../../build/guest/${ARCH}/manifest.json`, import.meta.url))),
);
