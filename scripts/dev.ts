/**
 * `pnpm dev` and `pnpm dev:server`: the gateway on port 8080 and the web app on port 3000. Each outside party whose
 * keys are missing is replaced by its simulator; with keys it is the real one, and nothing else changes.
 */
import { startClerkSimulator } from '../packages/simulators/src/clerk.ts'
import { startProviderSimulator } from '../packages/simulators/src/provider.ts'
import { type Environment, readEnvironment, withoutEmpty } from './dev/environment.ts'
import { devFolder, freePort, startGateway, startWeb, stopAll, untilReady } from './dev/processes.ts'

const ADMIN_KEY = 'faregate-dev-admin-key'
const runtime = process.argv[2] === 'server' ? 'server' : 'worker'

type Party = { name: string; real: boolean; where: string }

async function main(): Promise<void> {
  const own = readEnvironment(runtime)
  const port = Number(own.gateway['PORT'] ?? 8080)
  const webPort = Number(own.gateway['FAREGATE_DEV_WEB_PORT'] ?? 3000)
  for (const each of [port, webPort]) await freePort(each)
  const clerk = await identity(own.gateway, own.web, webPort)
  const provider = await modelProvider(own.gateway)
  const gatewayUrl = `http://localhost:${port}`
  const gateway: Environment = {
    FAREGATE_ADMIN_KEY: ADMIN_KEY,
    DATABASE_URL: `file:${devFolder}/faregate.db`,
    ...own.gateway,
    ...clerk.gateway,
    ...provider.gateway,
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
  banner(gatewayUrl, webPort, [clerk.party, provider.party], gateway['FAREGATE_ADMIN_KEY'] === ADMIN_KEY)
}

/** Clerk, or its simulator: what the gateway and the web app must know of it. */
async function identity(
  gateway: Environment,
  web: Environment,
  webPort: number,
): Promise<{ gateway: Environment; web: Environment; party: Party }> {
  const publishableKey = gateway['CLERK_PUBLISHABLE_KEY'] ?? web['NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY']
  if (publishableKey !== undefined || gateway['CLERK_JWT_KEY'] !== undefined) {
    const known = withoutEmpty({ CLERK_PUBLISHABLE_KEY: publishableKey })
    return {
      gateway: known,
      web: withoutEmpty({
        NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: publishableKey,
        CLERK_SECRET_KEY: gateway['CLERK_SECRET_KEY'],
        CLERK_JWT_KEY: gateway['CLERK_JWT_KEY'],
      }),
      party: { name: 'identity', real: true, where: 'Clerk' },
    }
  }
  const port = Number(gateway['FAREGATE_DEV_CLERK_PORT'] ?? 4100)
  await freePort(port)
  const clerk = await startClerkSimulator({
    port,
    appUrl: `http://localhost:${webPort}`,
    stateFile: `${devFolder}/clerk.json`,
  })
  return {
    gateway: {
      CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
      CLERK_JWT_KEY: clerk.jwtKey,
      FAREGATE_DEV_CLERK_URL: clerk.url,
    },
    web: clerk.environment,
    party: { name: 'identity', real: false, where: `simulated Clerk on ${clerk.url}` },
  }
}

/** OpenAI, or a simulated provider whose answers cost nothing. */
async function modelProvider(gateway: Environment): Promise<{ gateway: Environment; party: Party }> {
  if (gateway['OPENAI_API_KEY'] !== undefined) {
    const where = gateway['OPENAI_BASE_URL'] ?? 'OpenAI'
    return { gateway: {}, party: { name: 'models', real: true, where } }
  }
  const provider = await startProviderSimulator({})
  return {
    gateway: { OPENAI_API_KEY: 'simulated', OPENAI_BASE_URL: provider.url },
    party: { name: 'models', real: false, where: `simulated provider on ${provider.url}` },
  }
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
