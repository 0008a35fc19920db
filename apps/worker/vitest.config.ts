import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

// These tests run inside workerd, in the same isolate as the Worker that they test.
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: './test/wrangler.jsonc' } })],
  test: { name: 'worker', include: ['test/**/*.test.ts'], testTimeout: 60_000 },
})
