/**
 * The front of the simulated API: who calls, whether the call was made before, which operation it is, and what of the
 * answer is expanded. Operations are synchronous, so each call is one transaction.
 */
import { createHash } from 'node:crypto'
import { type ErrorBody, fault, isStripeFault } from './errors.ts'
import { API_VERSION, type Events } from './events.ts'
import { expanded } from './lists.ts'
import { type Params, parseForm, texts } from './params.ts'
import { type ApiRoute, matchPath } from './routes.ts'
import { newId } from './state.ts'
import type { World } from './types.ts'

const IDEMPOTENCY_LIFE_SECONDS = 86_400

type Parts = { world: World; events: Events; routes: ApiRoute[]; secretKey: string }

type Answer = { status: number; body: string }

/** Answers one call of `/v1/…`. */
export async function answerApi(parts: Parts, request: Request, url: URL): Promise<Response> {
  const requestId = newId('req', 14)
  const key = request.method === 'POST' ? request.headers.get('idempotency-key') : null
  const text = request.method === 'POST' ? await request.text() : url.search
  parts.events.causedBy({ id: requestId, idempotency_key: key })
  const answer = guarded(() => {
    authenticate(request, parts.secretKey)
    const work = () => dispatch(parts, request.method, url.pathname, parseForm(text))
    return key ? once(parts.world, key, `${request.method} ${url.pathname}\n${text}`, work) : work()
  })
  parts.events.causedBy({ id: null, idempotency_key: null })
  return new Response(answer.body, {
    status: answer.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-cache, no-store',
      'request-id': requestId,
      'stripe-version': API_VERSION,
      ...(key ? { 'idempotency-key': key } : {}),
      ...(answer.replayed ? { 'idempotent-replayed': 'true' } : {}),
    },
  })
}

/** Turns what an operation throws into Stripe's error body. */
function guarded(work: () => Answer & { replayed?: boolean }): Answer & { replayed?: boolean } {
  try {
    return work()
  } catch (thrown) {
    if (isStripeFault(thrown)) return errorAnswer(thrown.stripe.status, thrown.stripe.body)
    const message = thrown instanceof Error ? thrown.message : 'the simulator failed'
    return errorAnswer(500, { type: 'api_error', message })
  }
}

function errorAnswer(status: number, error: ErrorBody): Answer {
  return { status, body: JSON.stringify({ error }) }
}

function authenticate(request: Request, secretKey: string): void {
  const header = request.headers.get('authorization') ?? ''
  const [scheme = '', credentials = ''] = header.split(' ')
  const given =
    scheme.toLowerCase() === 'basic'
      ? (Buffer.from(credentials, 'base64').toString().split(':')[0] ?? '')
      : credentials
  if (given === secretKey) return
  const message = given
    ? `Invalid API Key provided: ${given.slice(0, 8)}${'*'.repeat(8)}${given.slice(-4)}`
    : 'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. ‘Authorization: Bearer YOUR_SECRET_KEY’).'
  throw fault(401, { type: 'invalid_request_error', message })
}

/** The same key gives the same answer; with other parameters it is an error. Calls that were malformed may be made again. */
function once(world: World, key: string, call: string, work: () => Answer): Answer & { replayed?: boolean } {
  const { idempotency } = world.state
  const fingerprint = createHash('sha256').update(call).digest('hex')
  const earlier = Object.hasOwn(idempotency, key) ? idempotency[key] : undefined
  if (earlier && world.now() - earlier.at < IDEMPOTENCY_LIFE_SECONDS) {
    if (earlier.fingerprint !== fingerprint) {
      throw fault(400, {
        type: 'idempotency_error',
        message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      })
    }
    return { status: earlier.status, body: earlier.body, replayed: true }
  }
  const keep = (answer: Answer) => {
    delete idempotency[key]
    idempotency[key] = { ...answer, fingerprint, at: world.now() }
    return answer
  }
  const answer = guarded(work)
  return answer.status === 402 || answer.status < 400 || answer.status >= 500 ? keep(answer) : answer
}

function dispatch({ world, routes }: Parts, method: string, pathname: string, params: Params): Answer {
  for (const route of routes) {
    const path = route.method === method ? matchPath(route.pattern, pathname) : undefined
    if (!path) continue
    const { expand: _, ...values } = params.values
    const answer = route.handle({ world, params: { path: '', values }, path })
    return {
      status: 200,
      body: JSON.stringify(expanded(world.state, answer, texts(params, 'expand'))),
    }
  }
  throw fault(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${method}: ${pathname}). The simulator does not know it; Stripe might.`,
  })
}
