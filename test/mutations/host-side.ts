import type { Mutation } from './mutation.ts';

const STORE = 'test/integration/store';

/** What the host does for its store to be a layer of the guest's. */
export const HOST_SIDE: readonly Mutation[] = [
  {
    test: 'T2',
    takenOut: "the database decides what the host's store has: every directory is believed",
    file: `${STORE}/layers.test.ts`,
    at: 'expect(await isValid(vm, path)).toBe(false)',
    edits: [
      {
        file: 'src/nix/host-store/snapshot.ts',
        find: '    const locks = await strayLocks(',
        replace: `    const row = (name: string): string =>
      "insert or ignore into ValidPaths (path, hash, registrationTime, narSize) values ('" + storePath(name) + "', 'sha256:" + '0'.repeat(64) + "', 1, 1);";
    await sqlite(file, readdirSync(nix.store).filter(isStoreName).map(row).join(' '));
    const locks = await strayLocks(`,
      },
    ],
  },
  {
    test: 'T4',
    takenOut: 'a root on the host for what the guest uses',
    file: `${STORE}/layers.test.ts`,
    at: 'expect(host.has(tool)).toBe(true)',
    edits: [
      {
        file: 'src/nix/host-store/root.ts',
        find: '  if (paths.length === 0) {',
        replace: '  if (paths.length >= 0) {',
      },
    ],
  },
  {
    test: 'T4',
    takenOut: 'the root is renewed after a command',
    file: `${STORE}/layers.test.ts`,
    at: 'reject(new Error(`not kept',
    edits: [
      {
        file: 'src/supervisor/main.ts',
        find: '  if (!spec.store?.host) return null;',
        replace: "  if (spec.id !== '') return null;",
      },
    ],
  },
  {
    test: 'T4',
    takenOut: 'the root goes with the VM',
    file: `${STORE}/layers.test.ts`,
    at: 'expect(host.has(tool)).toBe(false)',
    edits: [
      {
        file: 'src/nix/host-store/root.ts',
        find: "const link = join(directory, 'host-root');",
        replace: "const link = join(dirname(dirname(directory)), 'host-root');",
      },
    ],
  },
  {
    test: 'T7',
    takenOut: 'paths with renamed files are left out',
    file: `${STORE}/hostile-host.test.ts`,
    at: 'toMatchObject({ paths: 1, leftOut: 2 })',
    edits: [
      {
        file: 'src/nix/host-store/snapshot.ts',
        find: 'const broken = mayBeHacked(nix) ?',
        replace: "const broken = nix.store === '' ?",
      },
    ],
  },
  {
    test: 'T7',
    takenOut: 'so is what refers to them',
    file: `${STORE}/hostile-host.test.ts`,
    at: 'toMatchObject({ paths: 1, leftOut: 2 })',
    edits: [
      {
        file: 'src/nix/host-store/merge.ts',
        find: '\n  union select r.referrer from Refs r join lost on r.reference = lost.id)',
        replace: ')',
      },
    ],
  },
  {
    test: 'T7',
    takenOut: 'archives have the real names',
    file: `${STORE}/hostile-host.test.ts`,
    at: "await vm.exec('nix-store', ['--realise', user])",
    edits: [{ file: 'src/nix/host-store/plan.ts', find: 'caseHack: mayBeHacked(nix)', replace: 'caseHack: false' }],
  },
  {
    test: 'T8',
    takenOut: 'a store path that is called like a lock is none',
    file: `${STORE}/layers.test.ts`,
    at: "await vm.exec('cat', [cargo]",
    edits: [
      {
        file: 'src/nix/host-store/snapshot.ts',
        find: 'return locks.filter((name) => !paths.has(storePath(name)));',
        replace: 'return locks.filter(() => paths.size > 0);',
      },
    ],
  },
  {
    test: 'T9',
    takenOut: "the host's side of the share is read-only",
    file: `${STORE}/layers.test.ts`,
    at: 'expect(write.exitCode).not.toBe(0)',
    edits: [
      {
        file: 'src/vm/machine-spec.ts',
        find: '{ tag: TAG.store, path: host.directory, readOnly: true }',
        replace: '{ tag: TAG.store, path: host.directory, readOnly: false }',
      },
    ],
  },
  {
    test: 'T10',
    takenOut: 'the lock of a volume',
    file: 'test/integration/vm/owner.test.ts',
    at: "await expect(Vm.create({ arch: ARCH, name: 'other', volume: 'lasting' })).rejects",
    edits: [
      {
        file: 'src/supervisor/command.ts',
        find: '  return [own, { path: lock, wait: VOLUME_PATIENCE, refused: REFUSED.volume }];',
        replace: '  return [own];',
      },
    ],
  },
  {
    test: 'T19',
    takenOut: 'SQLite makes the copy, log included',
    file: `${STORE}/layers.test.ts`,
    at: 'expect(await isValid(vm, newest)).toBe(true)',
    edits: [
      {
        file: 'src/nix/host-store/snapshot.ts',
        find: 'await sqlite(uri, `.backup --async main ${JSON.stringify(to)}`);',
        replace: "(await import('node:fs')).copyFileSync(nix.database, to);",
      },
    ],
  },
  {
    test: 'T20',
    takenOut: "the image's rows are part of what lies below",
    file: `${STORE}/layers.test.ts`,
    at: 'expect(await isValid(vm, paths)).toBe(true)',
    edits: [
      {
        file: 'src/nix/host-store/merge.ts',
        find: 'from image.ValidPaths where true',
        replace: 'from image.ValidPaths where false',
      },
    ],
  },
];
