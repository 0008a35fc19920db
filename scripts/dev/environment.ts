/** The `.env` files of a checkout: one at the root feeds every app, and an app's own stands over it. */
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

export type Environment = Record<string, string>

/** What the files and the shell say to the gateway and to the web app. An empty value counts as none. */
export function readEnvironment(runtime: 'worker' | 'server'): { gateway: Environment; web: Environment } {
  const root = readFile('.env')
  const worker = runtime === 'worker' ? readFile('apps/worker/.dev.vars') : {}
  const shell = withoutEmpty(process.env)
  return {
    gateway: { ...root, ...worker, ...shell },
    web: { ...root, ...worker, ...readFile('apps/next/.env'), ...shell },
  }
}

/** The entries that have a value. */
export function withoutEmpty(variables: Record<string, string | undefined>): Environment {
  const kept: Environment = {}
  for (const [name, value] of Object.entries(variables)) if (value) kept[name] = value
  return kept
}

function readFile(path: string): Environment {
  return existsSync(path) ? withoutEmpty(parseEnv(readFileSync(path, 'utf8'))) : {}
}
