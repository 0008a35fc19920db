import { defineConfig } from 'vitest/config'

// One browser flow after another: both runtimes use the same ports and the same web app.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['browser/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
})
