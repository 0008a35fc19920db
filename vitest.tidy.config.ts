import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { include: ['packages/gateway/src/tidy.test.ts'] } })
