/**
 * `pnpm dev` and `pnpm dev:server`: the gateway on port 8080 and the web app on port 3000. Each outside party whose
 * keys are missing is replaced by its simulator; with keys it is the real one, and nothing else changes.
 */
import { type Environment, readEnvironment } from './dev/environment.ts'
import { identity, modelProvider, type Party, payments } from './dev/parties.ts'
import { devFolder, freePort, startGateway, startWeb, stopAll, untilReady } from './dev/processes.ts'

const ADMIN_KEY = 'faregate-dev-admin-key'
const runtime = process.argv[2] === 'server' ? 'server' : 'worker'

async function main(): Promise<void> {
  const own = readEnvironment(runtime)
  const port = Number(own.gateway['PORT'] ?? 8080)
  const webPort = Number(own.gateway['FAREGATE_DEV_WEB_PORT'] ?? 3000)
  for (const each of [port, webPort]) await freePort(each)
  const gatewayUrl = `http://localhost:${port}`
  const clerk = await identity(own, webPort, gatewayUrl)
  const provider = await modelProvider(own.gateway)
  const stripe = await payments(own.gateway, gatewayUrl)
  const gateway: Environment = {
    FAREGATE_ADMIN_KEY: ADMIN_KEY,
    DATABASE_URL: `file:${devFolder}/faregate.db`,
    ...own.gateway,
    ...clerk.gateway,
    ...provider.gateway,
    ...stripe.gateway,
    FAREGATE_DEV_MODE: '1',
    HOST: '127.0.0.1',
    PORT: String(port),
  }
  const web: Environment = {
    NEXT_PUBLIC_FAREGATE_URL: gatewayUrl,
    FAREGATE_URL: gatewayUrl,
    ...clerk.web,
    ...own.web,
  }
  startGateway(runtime, gateway, port)
  startWeb(web, webPort)
  await untilReady(`${gatewayUrl}/healthz`, 'the gateway')
  await untilReady(`http://localhost:${webPort}/`, 'the web app')
  banner(
    gatewayUrl,
    webPort,
    [clerk.party, provider.party, stripe.party],
    gateway['FAREGATE_ADMIN_KEY'] === ADMIN_KEY,
  )
}

function banner(gatewayUrl: string, webPort: number, parties: Party[], devAdminKey: boolean): void {
  const lines = [
    '',
    `  Faregate   ${gatewayUrl}  (${runtime === 'worker' ? 'Cloudflare Worker' : 'self-hosted server'})`,
    `  Web app    http://localhost:${webPort}`,
    ...parties.map(
      ({ name, real, where }) => `  ${name.padEnd(9)}  ${real ? 'real:' : 'not real:'} ${where}`,
    ),
    ...(devAdminKey ? [`  Admin key  ${ADMIN_KEY}`] : []),
    ...(parties.some(({ real }) => !real)
      ? ['', '  Put keys into .env to make a part real (see .env.example).']
      : []),
    '',
  ]
  console.log(lines.join('\n'))
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void stopAll().then(() => process.exit(0)))
}

main().catch(async (error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  await stopAll()
  process.exit(1)
})
