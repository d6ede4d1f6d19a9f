// Power failures at random moments of builds and of fetching: the next start works at once, the volume mounts, and nothing that Nix
// calls valid is damaged or forgotten. The last test shows that this procedure does find damage where there is some.
// VZSHELL_KILLS says how often, VZSHELL_SEED repeats the moments of a run.

import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { Vm } from 'vzshell';
import { statePaths } from '../../../src/state/paths.ts';
import { randomFrom } from '../../unit/agent/random.ts';
import { within } from '../../within.ts';
import { HostNix } from '../store/host-nix.ts';
import { ARCH, leftovers, processesOf, supervisorGone, useHome } from '../vm/fixture.ts';
import { addClosure, BUILDS, instantiate, realiseBoth, startBuilds, startFetching } from './nix-work.ts';
import { type Cut, cutOff } from './power.ts';
import { storeState } from './store-state.ts';

const KILLS = Number(process.env.VZSHELL_KILLS ?? 2);
const SEED = Number(process.env.VZSHELL_SEED ?? randomInt(2 ** 32));
/** Milliseconds for one start, a look at the store, and a failure: five times what it takes where nothing else runs. */
const ROUND = 120_000;
/** Power failures until damage is found, at most. */
const UNSAFE_KILLS = Math.max(KILLS, 4);
const UNSAFE = ['--option', 'sync-before-registering', 'false'];

useHome();

let host: HostNix;
beforeAll(async () => {
  host = await HostNix.start('use-case-hack = true\n');
  host.add('good', { file: 'of the layer\n' });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

interface Failure extends Cut {
  /** What ran before it. */
  readonly before: readonly string[];
}

const start = (volume: string): Promise<Vm> =>
  Vm.create({ name: volume, arch: ARCH, network: 'none', memory: '1GiB', volume, disk: '4GiB', store: 'host' });

/** What runs for the VMs of this test: everything that has a directory of theirs in its command line. */
const processes = (): string[] => [statePaths().home, host.root].flatMap(processesOf);

/** The power fails while paths are built, and others come from the host. */
async function fail(vm: Vm, closure: string, random: () => number, options: readonly string[] = []): Promise<Failure> {
  const derivations = await instantiate(vm, BUILDS, options);
  const builds = await startBuilds(vm, derivations, options);
  // The paths of the host come quicker than the first build is done.
  await within(ROUND, 'a first build', once(builds, 'progress'), () => builds.describe());
  const works = [builds, await startFetching(vm, closure, options)];
  const before = processes();
  return { ...(await cutOff(vm, works, random)), before };
}

test(
  `after ${KILLS} power failures at random moments the store verifies, has all that was finished, and goes on (T18)`,
  async () => {
    onTestFailed(() => console.error(`repeat it with VZSHELL_SEED=${SEED} VZSHELL_KILLS=${KILLS}`));
    const random = randomFrom(SEED);
    let least: readonly string[] = [];
    let dead: readonly string[] = [];
    let late = 0;
    let closure = '';
    for (let kills = 0; kills < KILLS; ) {
      closure = addClosure(host);
      const vm = await start('power');
      const valid = await expectSound(vm, least, dead);
      const { registered, underWay, before } = await fail(vm, closure, random);
      supervisorGone(vm.id, 0);
      least = [...valid, ...registered];
      dead = before;
      if (underWay) kills += 1;
      else late += 1;
      expect(late, 'failures that came when the work was over').toBeLessThanOrEqual(KILLS);
    }
    const vm = await start('power');
    await expectSound(vm, least, dead);
    await realiseBoth(vm, closure);
    await vm.stop();
    expect(leftovers()).toMatchObject({ processes: [], sockets: [] });
    console.log(`${KILLS} power failures (seed ${SEED}), ${late} more came too late; ${least.length} paths`);
    execFileSync('e2fsck', ['-fn', join(statePaths().volumes, 'power.img')], { stdio: 'pipe' });
  },
  (KILLS + 2) * ROUND,
);

async function expectSound(vm: Vm, least: readonly string[], dead: readonly string[]): Promise<readonly string[]> {
  expect(processes().filter((process) => dead.includes(process))).toEqual([]);
  const { valid, ...state } = await storeState(vm);
  expect(state).toEqual({ integrity: 'ok', damage: [], complaints: [], recovered: dead.length > 0 });
  expect(least.filter((path) => !valid.includes(path))).toEqual([]);
  return valid;
}

test(
  'without sync-before-registering the same procedure finds paths that Nix believes in and that are damaged, built and fetched',
  async () => {
    const random = randomFrom(SEED);
    const found = new Map<string, number>();
    let kills = 0;
    for (; kills < UNSAFE_KILLS && found.size < 2; kills += 1) {
      const closure = addClosure(host);
      await fail(await start(`unsafe-${kills}`), closure, random, UNSAFE);
      await using vm = await start(`unsafe-${kills}`);
      const { damage, integrity } = await storeState(vm);
      expect(integrity).toBe('ok');
      for (const [, kind = ''] of damage.join('\n').matchAll(/path '.*-(built|fetched)-\d+' was modified/g))
        found.set(kind, 1 + (found.get(kind) ?? 0));
    }
    console.log(`damaged after ${kills} power failures (seed ${SEED}):`, Object.fromEntries(found));
    expect([...found.keys()].sort()).toEqual(['built', 'fetched']);
  },
  (UNSAFE_KILLS + 1) * ROUND,
);
