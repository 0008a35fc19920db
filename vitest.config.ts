import { defineConfig } from 'vitest/config'

// One run over everything that needs no browser. Each project is a room of the house with its own needs.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'gateway',
          root: 'packages/gateway',
          include: ['src/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'simulators',
          root: 'packages/simulators',
          include: ['src/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      { test: { name: 'next', root: 'apps/next', include: ['lib/**/*.test.ts'] } },
      'apps/worker/vitest.config.ts',
      'e2e/vitest.config.ts',
    ],
  },
})
