/** What a request may cost: everything that admission does before it holds credits, and then nothing. */
import { charge, noUsage, type Usage } from '../core/pricing.ts'
import { quoteReserve } from '../core/quote.ts'
import type { Refusal } from '../core/refusal.ts'
import { ok, type Result } from '../core/result.ts'
import type { ModelRequest } from '../ports.ts'
import { boundRequest } from './admit.ts'
import type { Call, Pipeline } from './call.ts'
import { parse } from './run.ts'

/** Bytes of a token of English text, and the tokens of a usual answer. */
const BYTES_PER_TOKEN = 4
const OUTPUT_TOKENS_LIKELY = 300

/** Microcredits, and the most tokens of the input and of all choices together. */
export type QuoteReply = {
  model: string
  likely: number
  most: number
  inputTokensMax: number
  outputTokensMax: number
  affordable: boolean
}

/** Quotes one model request. Refuses what the request itself would be refused for, credits and rate limits apart. */
export async function quote(pipeline: Pipeline, call: Call): Promise<Result<QuoteReply, Refusal>> {
  const { catalog, clock, store } = pipeline
  const identity = await pipeline.authenticate(call.request.headers, clock())
  if (!identity.ok) return identity
  const asked = await parse(pipeline, call, identity.value)
  if (!asked.ok) return asked
  const { ask } = asked.value
  const bounded = boundRequest(pipeline, call, identity.value, { ask, idempotency: null })
  if (!bounded.ok) return bounded
  const { command } = bounded.value
  const account = await store.read(identity.value.accountId)
  const quoted = quoteReserve(account, command, { now: clock(), catalog })
  if (!quoted.ok) return quoted
  const { most, outputTokensMax, affordable } = quoted.value
  const likely = charge(command.price, likelyUsage(ask, outputTokensMax))
  return ok({
    model: command.model,
    likely: Math.min(likely, most),
    most,
    inputTokensMax: command.inputTokens,
    outputTokensMax: outputTokensMax * command.choices,
    affordable,
  })
}

/** Text as its language usually is, media at their bounds, and an answer of the usual length or of the one that is sure. */
function likelyUsage(
  { forwardedBytesMax, outputFixed, choices, uses = {} }: ModelRequest,
  cap: number,
): Usage {
  const { audioInputTokens = 0, imageInputTokens = 0, audioSeconds = 0, characters = 0 } = uses
  const outputTokens = choices * (outputFixed ? cap : Math.min(cap, OUTPUT_TOKENS_LIKELY))
  return {
    ...noUsage,
    inputTokens: Math.ceil(forwardedBytesMax / BYTES_PER_TOKEN) + audioInputTokens + imageInputTokens,
    audioInputTokens,
    imageInputTokens,
    outputTokens,
    imageOutputTokens: uses.imageOutput && outputFixed ? outputTokens : 0,
    audioSeconds,
    characters,
    answers: choices,
  }
}
