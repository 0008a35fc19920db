/** The wires of the run: each makes requests that carry their script, at models whose prices are round. */
import { RATES, VERSION } from '../harness/messages.ts'
import { CAP, scriptOf, sizesOf } from './plans.ts'
import type { Random } from './random.ts'

/** What the provider would charge for a unit of each kind, in microcredits of the test config. */
export type Rates = Partial<{
  input: number
  cachedInput: number
  cacheWrite: number
  longCacheWrite: number
  output: number
  audioInput: number
  imageInput: number
  audioOutput: number
  imageOutput: number
  toolCall: number
  audioSecond: number
  character: number
  perRequest: number
}>

/** One request, ready to be sent. */
export type BookRequest = {
  path: string
  body: string | FormData
  headers?: Record<string, string>
  /** How it is paid; `answers` is how often a price per request is asked for. */
  rates: Rates
  answers: number
  /**
   * Whether its stream tells the input at the start. Where it does, a cut answer is charged its true input, and what
   * was written but had not arrived when it was cut is nobody's to know.
   */
  tellsInput?: boolean
}

export type BookWire = {
  name: string
  /** How many of a hundred requests are this wire's, about. */
  weight: number
  make(random: Random, key: string): BookRequest
}

const text: Rates = { input: 1, cachedInput: 0.5, output: 2 }

const chat: BookWire = {
  name: 'chat',
  weight: 40,
  make(random, key) {
    const model = random.one(['fast', 'deep', 'drained', 'caching', 'free', 'flat'])
    const stream = random.percent(60)
    const n = random.percent(10) ? 2 : 1
    const script = scriptOf(random, stream, sizesOf(random, model === 'deep'))
    const written = model === 'caching' ? { cacheWriteTokens: cacheWrite(random, script) } : {}
    const content = JSON.stringify({ script: { ...script, ...written }, key })
    const usage = random.percent(50) ? { stream_options: { include_usage: true } } : {}
    const body = {
      model,
      messages: [{ role: 'user', content }],
      ...(random.percent(70) ? { max_completion_tokens: CAP } : {}),
      ...(n > 1 && { n }),
      ...(stream && { stream, ...usage }),
    }
    return { path: '/v1/chat/completions', body: JSON.stringify(body), rates: ratesOf(model), answers: n }
  },
}

const messages: BookWire = {
  name: 'messages',
  weight: 15,
  make(random, key) {
    const model = random.one(['claude', 'thinker'])
    const stream = random.percent(60)
    const script = scriptOf(random, stream, sizesOf(random, model === 'thinker'))
    const long = model === 'claude' && random.percent(30)
    const written = { [long ? 'longCacheWriteTokens' : 'cacheWriteTokens']: cacheWrite(random, script) }
    // Of searches in a stream that is cut, some may be on their way that nobody has seen yet.
    const searches = model === 'claude' && !stream && random.percent(30) ? random.between(1, 3) : 0
    const content = JSON.stringify({ script: { ...script, ...written, toolCallsRun: searches }, key })
    const body = {
      model,
      max_tokens: CAP,
      messages: [{ role: 'user', content }],
      ...(long && { cache_control: { type: 'ephemeral', ttl: '1h' } }),
      ...(searches > 0 && { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
      ...(stream && { stream }),
    }
    return {
      path: '/v1/messages',
      body: JSON.stringify(body),
      headers: VERSION,
      rates: RATES,
      answers: 1,
      tellsInput: stream,
    }
  },
}

/** Some of what was not read from the cache is written to it. */
export function cacheWrite(random: Random, script: { promptTokens?: number; cachedTokens?: number }): number {
  return random.below((script.promptTokens ?? 0) - (script.cachedTokens ?? 0) + 1)
}

function ratesOf(model: string): Rates {
  if (model === 'free') return {}
  if (model === 'flat') return { perRequest: 250_000 }
  return model === 'caching' ? { ...text, cacheWrite: 4 } : text
}

export const bookWires: readonly BookWire[] = [chat, messages]

/** A wire by its weight. */
export function anyWire(random: Random): BookWire {
  let pick = random.below(bookWires.reduce((sum, { weight }) => sum + weight, 0))
  for (const wire of bookWires) {
    pick -= wire.weight
    if (pick < 0) return wire
  }
  return chat
}
