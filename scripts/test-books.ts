/**
 * `pnpm test:books`: a long run of the two-sided books, which `pnpm test` runs short. The seed is printed; the same
 * seed makes the same requests again.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    runtimes: { type: 'string', default: 'server,worker' },
  },
})

for (const name of ['requests', 'seed'] as const) {
  if (/^[1-9]\d{0,9}$/.test(values[name])) continue
  console.error(`--${name} must be a positive whole number`)
  process.exit(2)
}
if (!/^(?:server|worker|server,worker)$/.test(values.runtimes)) {
  console.error('--runtimes must be server, worker or server,worker')
  process.exit(2)
}

console.log(`${values.requests} requests on ${values.runtimes}, seed ${values.seed}`)
const env = {
  ...process.env,
  FAREGATE_BOOKS_REQUESTS: values.requests,
  FAREGATE_BOOKS_SEED: values.seed,
  FAREGATE_BOOKS_RUNTIMES: values.runtimes,
}
const { status } = spawnSync('vitest', ['run', '--project', 'e2e', 'books.test.ts'], {
  stdio: 'inherit',
  env,
})
process.exitCode = status ?? 1
