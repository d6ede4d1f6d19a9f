import type { Edit, Mutation } from './mutation.ts';

const STORE = 'test/integration/store';

/** The daemon gets the image's database alone, though the host's directory is there: the usual overlay without rows. */
const WITHOUT_ROWS: Edit = {
  file: 'guest/agent/nix/layers.go',
  find: '	if l.Databases == "" {',
  replace: '	if l.Volume != "" {',
};

/** What the guest's agent and the image's settings do. Those of the image take a minute each, to build it anew. */
export const GUEST_SIDE: readonly Mutation[] = [
  {
    test: 'T1',
    takenOut: "the rows of the host's database lie below the guest's",
    file: `${STORE}/layers.test.ts`,
    at: 'const shell = await vm.develop()',
    edits: [WITHOUT_ROWS],
  },
  {
    test: 'T1',
    takenOut: 'the same, with the host as a binary cache in its place',
    file: `${STORE}/layers.test.ts`,
    at: 'expect(await exists(vm, join(UPPER, tool',
    edits: [
      WITHOUT_ROWS,
      {
        file: 'src/nix/host-store/plan.ts',
        find: 'leftOut > 0 || mayBeHacked(nix) ? cacheOf(nix) : null',
        replace: 'cacheOf(nix)',
      },
    ],
  },
  {
    test: 'T3',
    takenOut: 'the daemon knows that its store has layers: a plain one, with all rows',
    file: `${STORE}/layers.test.ts`,
    at: 'expect(await whiteouts(vm)).toEqual([])',
    edits: [
      {
        file: 'guest/agent/nix/uri.go',
        find: '	return "local-overlay://?lower-store=" + escape(lower) + "&upper-layer=" + upper',
        replace: '	_ = lower\n	return "local"',
      },
      {
        file: 'guest/agent/nix/layers.go',
        find: '	} else if !errors.Is(err, fs.ErrNotExist) {\n		return err\n	}\n	l.reconciled = true',
        replace: `	} else if rows, err := os.ReadFile(LowerState + "/db/db.sqlite"); err == nil {
		os.WriteFile(l.database(), rows, 0o644)
	}
	l.reconciled = true`,
      },
    ],
  },
  {
    test: 'T5',
    takenOut: 'a refresh deletes rows of what is gone',
    file: `${STORE}/lasting.test.ts`,
    at: 'expect(await isValid(vm, tool)).toBe(false)',
    edits: [
      {
        file: 'guest/agent/nix/layers.go',
        find: '	l.lower.Generation = generation\n	l.reconciled = false\n',
        replace: '	l.lower.Generation = generation\n',
      },
    ],
  },
  {
    test: 'T6',
    takenOut: 'the kernel forgets what was not there',
    file: `${STORE}/layers.test.ts`,
    at: "expect((await vm.exec('cat', [`${late}/file`])).stdout)",
    edits: [
      {
        file: 'guest/agent/inodes/count.go',
        find: 'return os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0)',
        replace: 'return nil',
      },
    ],
  },
  {
    test: 'T8',
    takenOut: 'locks that are there at the start are hidden',
    file: `${STORE}/layers.test.ts`,
    at: 'expect((await root(vm, `ls /nix/store/${old}`)).exitCode).not.toBe(0)',
    edits: [
      {
        file: 'guest/agent/boot/store_layers.go',
        find: '		if err := hideFromLower(host.Locks); err != nil {',
        replace: '		if err := hideFromLower(nil); err != nil {',
      },
    ],
  },
  {
    test: 'T8',
    takenOut: 'locks that come later are hidden by a refresh',
    file: `${STORE}/layers.test.ts`,
    at: 'expect((await root(vm, `ls /nix/store/${stale}`)).exitCode).not.toBe(0)',
    edits: [
      {
        file: 'guest/agent/boot/store_layers.go',
        find: '	for _, name := range snapshot.Locks {',
        replace: '	for _, name := range []string(nil) {',
      },
    ],
  },
  {
    test: 'T11',
    takenOut: 'a start with another host deletes rows of what is gone',
    file: `${STORE}/lasting.test.ts`,
    at: 'expect(await isValid(vm, tool)).toBe(false)',
    edits: [
      {
        file: 'guest/agent/nix/layers.go',
        find: 'l.reconciled = err == nil && last == lower',
        replace: 'l.reconciled = err == nil && last.Layout <= layout',
      },
    ],
  },
  {
    test: 'T12',
    takenOut: "the database lives as long as the volume's directory",
    file: `${STORE}/lasting.test.ts`,
    at: 'expect(await isValid(vm, built)).toBe(true)',
    edits: [
      {
        file: 'guest/agent/boot/store.go',
        find: '	state := layerVolume + "/var/nix"\n',
        replace: '	state := layerVolume + "/var/nix"\n	os.RemoveAll(state + "/db")\n',
      },
    ],
  },
  {
    test: 'T13',
    takenOut: 'everybody talks to the daemon',
    file: `${STORE}/layers.test.ts`,
    at: 'await vm.sh(`${command} ${path}`',
    edits: [{ file: 'guest/debian/tree/etc/nix/nix.conf', find: '\nstore = daemon\n', replace: '\n' }],
  },
  {
    test: 'T14',
    takenOut: 'no registry is asked for',
    file: `${STORE}/dead-dns.test.ts`,
    at: 'expect(await datagrams(vm)).toBe(before)',
    edits: [{ file: 'guest/debian/tree/etc/nix/nix.conf', find: '\nflake-registry =\n', replace: '\n' }],
  },
  {
    test: 'T15',
    takenOut: 'loopback alone is a network for Nix',
    file: `${STORE}/archives.test.ts`,
    at: 'const shell = await vm.develop(',
    edits: [
      {
        file: 'guest/agent/boot/host_cache.go',
        find: 'appendLine(userConf, "substitute = true")',
        replace: 'appendLine(userConf, "")',
      },
    ],
  },
  {
    test: 'T15',
    takenOut: 'connections of Nix are passed on to the host',
    file: `${STORE}/archives.test.ts`,
    at: 'const shell = await vm.develop(',
    edits: [
      { file: 'guest/agent/boot/host_cache.go', find: '			go c.relay(conn)\n', replace: '			conn.Close()\n' },
    ],
  },
  {
    test: 'T16',
    takenOut: 'a checkout may belong to somebody else',
    file: `${STORE}/hostile-host.test.ts`,
    at: "(await vm.develop()).exec('foreign-tool')",
    edits: [{ file: 'guest/debian/tree/etc/gitconfig', find: '	directory = *\n', replace: '' }],
  },
  {
    test: 'T17',
    takenOut: "the image lies above the host's store",
    file: `${STORE}/layers.test.ts`,
    at: 'expect((await vm.exec(`/nix/store/${image}/bin/hello`)).stdout)',
    edits: [
      {
        file: 'guest/agent/boot/store_layers.go',
        find: '"lowerdir=" + layerImage + ":" + layerHost +',
        replace: '"lowerdir=" + layerHost + ":" + layerImage +',
      },
    ],
  },
  {
    test: 'T18',
    takenOut: 'contents are on the disk before the database has them',
    file: 'test/integration/volume/durability.test.ts',
    at: 'expect(state).toEqual(',
    edits: [
      {
        file: 'guest/debian/tree/etc/nix/nix.conf',
        find: 'sync-before-registering = true',
        replace: 'sync-before-registering = false',
      },
    ],
  },
];
