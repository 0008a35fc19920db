/** The self-hosted server: Bun in front, one SQLite file behind. Starts only when everything it needs is there. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  createGateway,
  createMeter,
  databasePathOf,
  formatConfigErrors,
  logJson,
  resolveConfig,
  type Settings,
  type Store,
} from '@faregate/gateway'
import { createSqliteStore } from '@faregate/gateway/stores/node-sqlite'
import { openBunOutlet } from './outlet.ts'
import { serve } from './serve.ts'

// Only dev mode's own command says so: nothing in an environment can open a production server's doors.
const mode = process.argv.includes('--dev') ? 'development' : 'production'

async function main(): Promise<void> {
  const settings = resolveConfig(await loadConfig(), process.env, mode)
  if (!settings.ok) return refuseToStart(formatConfigErrors(settings.error))
  const { catalog, creditUsd, databaseUrl, warnings } = settings.value
  for (const warning of warnings) logJson('warn', 'config', { warning })
  const sink = createMeter(settings.value)
  const store = createSqliteStore({
    path: databasePathOf(databaseUrl),
    catalog,
    creditUsd,
    log: storeLog,
    ...(sink && { sink }),
  })
  try {
    listen(settings.value, store)
  } catch (error) {
    // Open, it would keep the process alive.
    await store.close()
    throw error
  }
}

function listen(settings: Settings, store: Store): void {
  const { catalog, host, port } = settings
  const gateway = createGateway({
    settings,
    store,
    // A provider's answer is metered as it comes: nothing may unpack it on the way.
    fetch: (input, init) => fetch(input, { ...init, decompress: false }),
    sha256: (text) => Bun.SHA256.hash(text, 'hex'),
    openOutlet: openBunOutlet,
    devClerkUrl: mode === 'development' ? process.env['FAREGATE_DEV_CLERK_URL'] : undefined,
  })
  try {
    serve({ gateway, store, host, port })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`Cannot listen on ${host}:${port}. ${why} Choose another address with HOST and PORT.`)
  }
  logJson('info', 'listening', { host, port, mode, models: [...catalog.models.keys()] })
}

/** The operator's config: `faregate.config.ts`, or the module or JSON file that FAREGATE_CONFIG names. */
async function loadConfig(): Promise<unknown> {
  const path = resolve(process.env['FAREGATE_CONFIG'] ?? 'faregate.config.ts')
  if (!(await Bun.file(path).exists())) {
    throw new Error(`There is no config at ${path}. Write one, or name another with FAREGATE_CONFIG.`)
  }
  if (path.endsWith('.json')) {
    return Bun.file(path)
      .json()
      .catch(() => {
        throw new Error(`The config ${path} is not JSON.`)
      })
  }
  const module: { default?: unknown } = await import(pathToFileURL(path).href)
  return module.default
}

function storeLog(problem: string, cause: unknown): void {
  logJson('error', 'store', { problem, error: cause instanceof Error ? cause.message : String(cause) })
}

function refuseToStart(why: string): void {
  console.error(why)
  process.exitCode = 1
}

main().catch((error: unknown) => refuseToStart(error instanceof Error ? error.message : String(error)))
