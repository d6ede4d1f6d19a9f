import { availableParallelism } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

// Integration tests share one booted guest per file where that is honest; under TCG a boot takes seconds of a processor. A guest
// keeps one busy while it boots and waits much of the rest, so there is a file for each processor, and deadlines have room for that.
const GUESTS = Math.min(4, availableParallelism());
// Two processors of one guest would be in each other's way, and in those of the other guests.
const env = { VZSHELL_CPUS: '1' };

const config: ViteUserConfig = defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        extends: true,
        test: {
          name: 'integration',
          env,
          include: ['test/integration/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/nixos/**/*.test.ts'],
          maxWorkers: GUESTS,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      // Compilers and executables of 145 MB, several at once: a file at a time is not slower.
      {
        extends: true,
        test: {
          name: 'macos',
          include: ['test/macos/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'native',
          include: ['test/native/**/*.test.ts'],
          maxWorkers: GUESTS,
          sequence: { groupOrder: 3 },
          // Node-API lives in the process: a test that ends it, or counts its descriptors, wants one of its own.
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          maxWorkers: GUESTS,
          sequence: { groupOrder: 4 },
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, include: ['test/types/**/*.test-d.ts'] },
        },
      },
    ],
  },
  resolve: { alias: { vzshell: new URL('./src/index.ts', import.meta.url).pathname } },
});

export default config;
