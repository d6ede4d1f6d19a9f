import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withLock } from '../../../src/state/lock.ts';
import { launch } from '../../../src/supervisor/launch.ts';
import type { VmSpec } from '../../../src/supervisor/spec.ts';
import { scratch } from '../state/scratch.ts';

/** As much of a spec as a start needs that does not come past its locks. */
function spec(home: string): VmSpec {
  const volume = { name: 'v', path: join(home, 'volumes/v.img'), throwaway: false, uuid: '', size: 0 };
  return {
    schema: 1,
    name: 'vm',
    ephemeral: false,
    driver: 'qemu',
    machine: { runDir: join(home, 'run/12345678') },
    volume,
  } as VmSpec;
}

test('a start that is refused its volume leaves nothing, and an earlier VM of the name as it was', async () => {
  const home = scratch();
  for (const name of ['volumes', 'run']) mkdirSync(join(home, name));
  const wanted = spec(home);
  const { runDir } = wanted.machine;
  await withLock(join(home, 'volumes/v.lock'), {}, async () => {
    await expect(launch(wanted, { wait: 0 })).rejects.toMatchObject({ code: 'ERR_VOLUME' });
    expect(existsSync(runDir)).toBe(false);
    mkdirSync(runDir);
    writeFileSync(join(runDir, 'spec.json'), '{}');
    await expect(launch(wanted, { wait: 0 })).rejects.toMatchObject({ code: 'ERR_VOLUME' });
    expect(existsSync(join(runDir, 'spec.json'))).toBe(true);
  });
});
