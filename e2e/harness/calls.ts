/** Short ways to be a user, or the operator, of a stack. */
import { ADMIN_KEY, type Stack } from './stack.ts'

export type Entry = {
  id: string
  at: string
  kind: string
  credits: number
  model?: string
  usage?: { inputTokens: number; outputTokens: number }
  ended?: string
  estimated?: boolean
  requestId?: string
}

export type AccountAnswer = {
  id: string
  plan: string
  credits: { available: number; held: number }
  limits: unknown
}

let users = 0

/** A user nobody has seen before. */
export function newUser(): string {
  users += 1
  return `user_e2e${process.pid}x${users}`
}

/** A session token of this user, as the browser of the test config's app would have it. */
export async function tokenOf(stack: Stack, user: string, plan = 'free_user'): Promise<string> {
  return stack.clerk.mint({ user, plan })
}

/** A call with a bearer token; `body` is sent as JSON when it is no string. */
export async function call(
  stack: Stack,
  token: string,
  path: string,
  init: { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  const { body, method = body === undefined ? 'GET' : 'POST', headers = {}, signal } = init
  return fetch(stack.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal && { signal }),
  })
}

/** A call with the admin key. */
export async function asOperator(
  stack: Stack,
  path: string,
  body?: unknown,
  method?: string,
): Promise<Response> {
  return call(stack, ADMIN_KEY, path, { body, ...(method && { method }) })
}

/** A chat request whose last message tells the scripted provider what to do. */
export function scripted(
  script: Record<string, unknown>,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { model: 'fast', messages: [{ role: 'user', content: JSON.stringify({ script }) }], ...more }
}

/** The same with a name, by which the provider's bill for it can be found. */
export function keyed(
  key: string,
  script: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { model: 'fast', messages: [{ role: 'user', content: JSON.stringify({ script, key }) }], ...more }
}

export async function account(stack: Stack, token: string): Promise<AccountAnswer> {
  const answer = await call(stack, token, '/v1/account')
  if (!answer.ok) throw new Error(`GET /v1/account: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as AccountAnswer
}

export async function entries(stack: Stack, token: string, query = ''): Promise<Entry[]> {
  const answer = await call(stack, token, `/v1/account/entries?limit=500${query}`)
  const { data } = (await answer.json()) as { data: Entry[] }
  return data
}
