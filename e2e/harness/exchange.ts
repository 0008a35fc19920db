/** One scripted request and all that it left behind: the answer, the provider's bill, the entry and the balance. */
import type { Bill, RecordedRequest, Script } from '@faregate/simulators/provider'
import { account, call, type Entry, entries, newUser, tokenOf } from './calls.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

/** Microcredits a token at the prices of the test config. */
const PRICE = { input: 1, cachedInput: 0.5, output: 2 }

const MICROCREDITS = 1_000_000

/** The allowance of the test config's free plan, in microcredits. */
export const ALLOWANCE = 10 * MICROCREDITS

export type Asked = {
  token: string
  /** Names the request to the provider: `provider.billFor(key)`. */
  key: string
  status: number
  headers: Headers
  text: string
}

/** What a request came to, once its hold has ended. All figures in microcredits. */
export type Outcome = { entry: Entry; charged: number; available: number }

let keys = 0

/** A name that no other request has. */
export function newKey(): string {
  keys += 1
  return `key${process.pid}x${keys}x`
}

/** A chat request that tells the provider what to do and by what name to remember it. */
export function chatBody(
  key: string,
  script: Script,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const content = JSON.stringify({ script, key })
  return { model: 'fast', messages: [{ role: 'user', content }], ...more }
}

/** Sends one scripted request as a fresh user and reads the answer to its end, however that comes. */
export async function ask(
  stack: Stack,
  script: Script,
  more: Record<string, unknown> = {},
  plan?: string,
): Promise<Asked> {
  const token = await tokenOf(stack, newUser(), plan)
  const key = newKey()
  const answer = await call(stack, token, '/v1/chat/completions', { body: chatBody(key, script, more) })
  return { token, key, status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** Sends a request of any wire as a fresh user; `key` is the name that its script tells the provider. */
export async function askAt(
  stack: Stack,
  path: string,
  key: string,
  body: Record<string, unknown>,
  plan?: string,
): Promise<Asked> {
  const token = await tokenOf(stack, newUser(), plan)
  const answer = await call(stack, token, path, { body })
  return { token, key, status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** Waits until nothing is held any more and `count` charges are on the books; returns the newest. */
export async function outcome(stack: Stack, token: string, count = 1): Promise<Outcome> {
  return until(`${count} requests have ended`, 15_000, async () => {
    const [{ credits }, all] = await Promise.all([account(stack, token), entries(stack, token)])
    const charges = all.filter(({ kind }) => kind === 'charge')
    const [entry] = charges
    if (credits.held !== 0 || charges.length < count || !entry) return null
    if (charges.length > count) throw new Error(`${charges.length} charges where ${count} should be`)
    return { entry, charged: micro(-entry.credits), available: micro(credits.available) }
  })
}

/** The account of a user whose requests were refused before any hold: no charge, nothing held. */
export async function untouched(stack: Stack, token: string): Promise<boolean> {
  const all = await entries(stack, token)
  const { credits } = await account(stack, token)
  return credits.held === 0 && all.every(({ kind }) => kind !== 'charge')
}

export function micro(credits: number): number {
  // Plus 0: a charge of nothing is 0, not -0.
  return Math.round(credits * MICROCREDITS) + 0
}

/** What tokens cost at the test config's prices, in microcredits, rounded up once. */
export function costOf(tokens: { input: number; cached?: number; output: number }): number {
  const { input, cached = 0, output } = tokens
  return Math.ceil((input - cached) * PRICE.input + cached * PRICE.cachedInput + output * PRICE.output)
}

/** What the provider asks for a request by its own books, at the test config's prices. */
export function billed(stack: Stack, key: string): number {
  const { promptTokens, cachedTokens, completionTokens } = billOf(stack, key)
  return costOf({ input: promptTokens, cached: cachedTokens, output: completionTokens })
}

export function billOf(stack: Stack, key: string): Bill {
  const bill = stack.provider.billFor(key)
  if (!bill) throw new Error(`the provider was never asked for ${key}`)
  return bill
}

/** The requests that reached the provider under this name. */
export function arrivals(stack: Stack, key: string): RecordedRequest[] {
  return stack.provider.requests.filter(({ body }) => body.includes(key))
}

/** The one request that reached the provider under this name, and its body. */
export function arrival(stack: Stack, key: string): RecordedRequest & { json: Record<string, unknown> } {
  const [request, ...more] = arrivals(stack, key)
  if (!request || more.length > 0)
    throw new Error(`the provider was asked ${more.length + (request ? 1 : 0)} times`)
  return { ...request, json: JSON.parse(request.body) as Record<string, unknown> }
}

/** The data of each event of a stream, comments left out. */
export function eventData(text: string): string[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('data: '))
    .map((block) => block.slice('data: '.length))
}

type Chunk = {
  choices?: { delta?: { content?: string } }[]
  usage?: { faregate?: unknown } | null
  error?: { code?: string }
}

/** The events of a stream, parsed, `[DONE]` left out. */
export function chunksOf(text: string): Chunk[] {
  return eventData(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as Chunk)
}

/** All that was said in a stream. */
export function said(text: string): string {
  return chunksOf(text)
    .flatMap(({ choices = [] }) => choices.map(({ delta }) => delta?.content ?? ''))
    .join('')
}

/** The `error` of a refusal. */
export function errorOf({ text }: Pick<Asked, 'text'>): {
  code: string
  message: string
  type: string
  param: string | null
} {
  const { error } = JSON.parse(text) as {
    error: { code: string; message: string; type: string; param: null }
  }
  return error
}
