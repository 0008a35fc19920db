/** The Cloudflare Worker: the pipeline runs here, and each account's ledger in a Durable Object of its own. */

import { waitUntil } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { type App, createGateway } from '@faregate/gateway'
import { createDurableObjectStore } from '@faregate/gateway/stores/durable-object'
import type { WorkerEnv } from './env.ts'
import { settingsOf } from './settings.ts'

export { AccountObject } from './account-object.ts'

let gateway: App | null = null

export default {
  async fetch(request, env, context): Promise<Response> {
    try {
      gateway ??= createApp(env)
    } catch (error) {
      return misconfigured(error, env)
    }
    return gateway(request, (work) => context.waitUntil(work))
  },
} satisfies ExportedHandler<WorkerEnv>

function createApp(env: WorkerEnv): App {
  return createGateway({
    settings: settingsOf(env),
    store: createDurableObjectStore(env.ACCOUNTS),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    keepAlive: waitUntil,
    devClerkUrl: env.FAREGATE_DEV_MODE === '1' ? env.FAREGATE_DEV_CLERK_URL : undefined,
  })
}

/** A Worker cannot refuse to start, so it refuses every request; why is for the operator's log, and for dev mode. */
function misconfigured(error: unknown, env: WorkerEnv): Response {
  const why = error instanceof Error ? error.message : String(error)
  console.error(why)
  const message =
    env.FAREGATE_DEV_MODE === '1' ? why : 'This gateway is not configured. Its operator finds why in its log.'
  return Response.json(
    { error: { message, type: 'api_error', param: null, code: 'misconfigured' } },
    { status: 500 },
  )
}
