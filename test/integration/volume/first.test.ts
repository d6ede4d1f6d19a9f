// The first who use Nix on a fresh volume.

import { expect, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';

useHome();

/** Nobody has it: only the database tells. */
const PATH = '/nix/store/00000000000000000000000000000000-nothing';

test('Nix serves all who come at once to a volume that it has never seen, and after the next start', async () => {
  const machine = { arch: ARCH, network: 'none', memory: '512MiB', volume: 'fresh', disk: '1GiB' } as const;
  for (const _ of ['fresh', 'used']) {
    await using vm = await Vm.create(machine);
    const { stderr } = await vm.sh(`for each in 1 2 3 4 5 6; do nix-store --check-validity ${PATH} & done; wait`);
    // Nix's own answer, not that of a connection that broke.
    expect(stderr.trim().split('\n')).toEqual(Array(6).fill(`error: path '${PATH}' is not valid`));
  }
});
