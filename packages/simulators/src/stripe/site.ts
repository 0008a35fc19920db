/** The front of everything that is not the API: hosted pages, and the routes that only a simulation has. */
import { isLoopbackOrigin, json } from '../clerk/http.ts'
import { checkoutPages, type PageRoute } from './checkout-site.ts'
import { type Controls, devCall } from './controls.ts'
import { dashboardPage } from './dashboard.ts'
import { isStripeFault } from './errors.ts'
import type { Events } from './events.ts'
import { messagePage } from './html.ts'
import { type Params, parseForm, requiredText } from './params.ts'
import { portalPages } from './portal.ts'
import { matchPath } from './routes.ts'
import type { World } from './types.ts'

const SETTLED_WAIT_MS = 10_000

const pages: PageRoute[] = [...checkoutPages, ...portalPages]

type Parts = { world: World; events: Events; controls: Controls }

/** Answers a page. */
export async function answerPage(parts: Parts, request: Request, url: URL): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'POST')
    return new Response('method not allowed', { status: 405, headers: { allow: 'GET, POST' } })
  const post = request.method === 'POST' ? parseForm(await request.text()) : undefined
  const { world, events } = parts
  if (url.pathname === '/') {
    if (isForeign(request)) return new Response('local pages only', { status: 403 })
    return dashboardPage(parts, post)
  }
  for (const page of pages) {
    const path = matchPath(page.pattern, url.pathname)
    if (path)
      return page.handle({
        world,
        path,
        query: url.searchParams,
        post,
        settled: () => settledWithin(events, SETTLED_WAIT_MS),
      })
  }
  return messagePage('This page does not exist', 'The simulated Stripe has no such page.', { status: 404 })
}

/** Whether a page of another site asks. */
function isForeign(request: Request): boolean {
  const origin = request.headers.get('origin')
  return origin !== null && !isLoopbackOrigin(origin)
}

/** Waits until the endpoint has been told, but no longer than people would. */
async function settledWithin(events: Events, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([events.settled(), patience])
  clearTimeout(timer)
}

/**
 * Answers `/dev/…`, in JSON or forms: `GET /dev/events`; `POST /dev/events/resend { id }`, `/dev/refund { payment_intent |
 * charge, amount? }` or `{ refund }` to let one fail, `/dev/dispute { payment_intent | charge, amount?, reason? }` or
 * `{ dispute, outcome }`, `/dev/checkout { id, behaviour? }`, `/dev/subscription { id, action }`, `/dev/settle`. Pages of other sites get no answer.
 */
export async function answerDev(parts: Parts, request: Request, url: URL): Promise<Response> {
  if (isForeign(request)) return json({ error: { message: 'this simulator answers local pages only' } }, 403)
  const name = url.pathname.slice('/dev/'.length)
  try {
    if (request.method === 'GET' && name === 'events') return json(eventLog(parts))
    if (request.method === 'POST') {
      const params = await readParams(request)
      if (name === 'events/resend') return json(await parts.events.resend(requiredText(params, 'id')))
      const answer = devCall(parts.controls, name, params)
      if (answer) return json(answer)
    }
    return json({ error: { message: `${request.method} ${url.pathname} is not simulated` } }, 404)
  } catch (thrown) {
    if (isStripeFault(thrown)) return json({ error: thrown.stripe.body }, thrown.stripe.status)
    throw thrown
  }
}

function eventLog({ world, events }: Parts) {
  return { data: Object.values(world.state.events), deliveries: events.deliveries, owed: world.state.owed }
}

async function readParams(request: Request): Promise<Params> {
  const text = await request.text()
  if (!request.headers.get('content-type')?.includes('json')) return parseForm(text)
  const body: unknown = text ? JSON.parse(text) : {}
  const entries = typeof body === 'object' && body !== null ? Object.entries(body) : []
  return { path: '', values: Object.fromEntries(entries.map(([name, value]) => [name, String(value)])) }
}
