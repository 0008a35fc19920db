/**
 * `pnpm deploy:worker`: checks the config, then deploys the Worker with it. The secrets are at Cloudflare, so only
 * what the config itself says can be checked here.
 */
import { spawnSync } from 'node:child_process'
import { formatConfigErrors, resolveConfig } from '../packages/gateway/src/index.ts'
import { configPath, loadConfig } from './load-config.ts'
import { writeWorkerTsconfig } from './worker-tsconfig.ts'

// Stand for the secrets that the deployment has; their own values are checked by the Worker.
const placeholder = { CLERK_PUBLISHABLE_KEY: `pk_test_${btoa('clerk.example.com$')}`, OPENAI_API_KEY: 'set' }
const isSecret = (name: string) => /^[A-Z][A-Z0-9_]+$/.test(name)

const settings = resolveConfig(await loadConfig(), { ...placeholder, ...process.env }, 'production')
const errors = settings.ok ? [] : settings.error.filter((error) => !isSecret(error.path))
if (errors.length > 0) {
  console.error(formatConfigErrors(errors))
  process.exit(1)
}
const args = [
  'deploy',
  '--tsconfig',
  writeWorkerTsconfig(configPath, 'data/deploy'),
  ...process.argv.slice(2),
]
const { status } = spawnSync('node_modules/.bin/wrangler', args, { cwd: 'apps/worker', stdio: 'inherit' })
process.exitCode = status ?? 1
