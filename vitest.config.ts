import { defineConfig, type ViteUserConfig } from 'vitest/config';

// Integration tests share one booted guest per file where that is honest; under TCG a boot takes seconds, so files run one at
// a time: two cores with two guests on them would make every deadline a guess.
const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          fileParallelism: false,
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
