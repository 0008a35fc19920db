import { fileURLToPath } from 'node:url'
import type { NextConfig } from 'next'

const config: NextConfig = {
  // The workspace's root, so that Turbopack does not guess it from lockfiles further up.
  turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) },
  experimental: { optimizePackageImports: ['@mantine/core', '@mantine/hooks', '@tabler/icons-react'] },
  devIndicators: false,
}

export default config
