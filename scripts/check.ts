/** `pnpm check`: types, lint, format and the house's own rules. Runs all of them and fails if one does. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const projects = [
  'packages/gateway',
  'packages/simulators',
  'apps/server',
  'apps/worker',
  'apps/worker/test',
  'apps/next',
  'bench',
  'e2e',
  'scripts',
]

const checks: [string, string[]][] = [
  ...projects
    .filter((path) => existsSync(`${path}/tsconfig.json`))
    .map((path): [string, string[]] => ['tsc', ['-p', path]]),
  ['oxlint', ['--type-aware', '--deny-warnings', '--quiet']],
  ['biome', ['ci', '--colors=off', '.']],
  ['vitest', ['run', '--config', 'vitest.tidy.config.ts']],
]

let failed = 0
for (const [command, args] of checks) {
  const started = Date.now()
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  const verdict = status === 0 ? 'ok' : 'FAILED'
  if (status !== 0) failed += 1
  console.log(
    `${verdict.padEnd(6)} ${command} ${args.join(' ')} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
  )
}
console.log(failed === 0 ? 'All checks passed.' : `${failed} checks failed.`)
process.exitCode = failed === 0 ? 0 : 1
