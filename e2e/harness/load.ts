/** Users who keep asking until the gateway is gone, and remember every receipt that they were given. */
import { call } from './calls.ts'
import type { Stack } from './stack.ts'

/** What a client saw of a request: whatever is in here was acknowledged, and must be in the books for good. */
export type Receipt = { requestId: string; held: number; charged: number | null }

/** Decimals from 0 to 1 that depend on the seed alone (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The output cap of every request of the load. */
export const OUTPUT_CAP = 400

/** A request of random size, speed and kind; its name at the provider begins with the user's. */
export function randomRequest(random: () => number, name: string): Record<string, unknown> {
  const upTo = (most: number) => Math.floor(random() * most)
  const script = {
    promptTokens: 20 + upTo(200),
    completionTokens: 1 + upTo(OUTPUT_CAP),
    headersDelayMs: random() < 0.5 ? 0 : upTo(300),
    chunks: 1 + upTo(12),
    chunkDelayMs: upTo(60),
  }
  const stream = random() < 0.5 ? { stream: true, stream_options: { include_usage: true } } : {}
  const content = JSON.stringify({ script, key: name })
  return {
    model: 'fast',
    messages: [{ role: 'user', content }],
    max_completion_tokens: OUTPUT_CAP,
    ...stream,
  }
}

/** Sends one request. Null when nothing was acknowledged; `charged` is null when the answer broke off. */
export async function sendRequest(
  stack: Stack,
  user: string,
  body: Record<string, unknown>,
): Promise<Receipt | null> {
  const token = await stack.clerk.mint({ user, plan: 'pro' })
  const answer = await call(stack, token, '/v1/chat/completions', { body }).catch(() => null)
  if (answer === null) return null
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`)
  const requestId = answer.headers.get('x-request-id') ?? ''
  const held = Number(answer.headers.get('faregate-credits-held'))
  const text = await answer.text().catch(() => '')
  const [, charged] = /"creditsCharged":([\d.e-]+)/.exec(text) ?? []
  return { requestId, held, charged: charged === undefined ? null : Number(charged) }
}
