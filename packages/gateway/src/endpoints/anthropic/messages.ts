/**
 * The wire `POST /v1/messages`: Anthropic's. The parser checks every field against its table
 * (`messages-parameters.ts`) and what goes before the model (`messages-content.ts`, `messages-tools.ts`); what is
 * forwarded is the caller's own text with only the fields replaced that must be. The tap is `messages-tap.ts`.
 * Source: @anthropic-ai/sdk 1.13, `resources/messages`.
 */
import type { Refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Endpoint, ForwardOptions, ModelRequest, ParseOptions, RawRequest } from '../../ports.ts'
import { assertBounded, type Changes, longestForward } from '../json-request.ts'
import { replaceFields } from '../json-scan.ts'
import { invalidValue } from '../parameters.ts'
import { insertReceipt } from '../receipt.ts'
import { record, tokensMax } from '../usage.ts'
import { anthropicWire } from './anthropic-wire.ts'
import { messageParameters } from './messages-parameters.ts'
import { type Prompt, readPrompt, textBytesMax } from './messages-prompt.ts'
import { createMessagesTap } from './messages-tap.ts'

/** The messages endpoint. */
export const messages: Endpoint = {
  id: 'messages',
  wire: anthropicWire,
  parse: parseMessageRequest,
  tap: createMessagesTap,
  withReceipt: insertReceipt,
}

function parseMessageRequest(raw: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const read = readPrompt(raw, options, messageParameters)
  if (!read.ok) return read
  const prompt = read.value
  const { value } = prompt.scanned
  const { max_tokens: cap, stream, thinking } = value
  if (typeof cap !== 'number') {
    return err(invalidValue('max_tokens', 'given: the most output tokens to write, a positive integer'))
  }
  const tier = tierOf(prompt)
  const bytesMax = textBytesMax(prompt, changesOf(prompt, tier, longestForward))
  return ok({
    model: prompt.model,
    stream: stream === true,
    includeUsage: true,
    outputTokensAsked: cap,
    choices: 1,
    items: prompt.tally.items,
    mayReason: record(thinking)?.type !== 'disabled',
    dropped: prompt.fields.dropped,
    forward: (forward) => {
      assertBounded(forward)
      return {
        body: replaceFields(prompt.scanned, changesOf(prompt, tier, forward)),
        headers: prompt.headers,
      }
    },
    forwardedBytesMax: bytesMax,
    addedTokensMax: prompt.tally.addedTokens + searchTokensMax(prompt, bytesMax, cap),
    ...usesOf(prompt, tier),
  })
}

/** The most that the request can use beside its text. */
function usesOf({ tally, tools }: Prompt, tier: Tier): Pick<ModelRequest, 'uses'> {
  const uses = {
    ...(tally.imageTokens > 0 && { imageInputTokens: tally.imageTokens }),
    ...(tally.longCacheWrite && { longCacheWrite: true as const }),
    ...(tools.searches > 0 && { toolCalls: tools.searches }),
    ...(tier.priced && { serviceTier: true as const }),
  }
  return Object.keys(uses).length === 0 ? {} : { uses }
}

/** What goes on as `service_tier`, and whether the request may be served at the price of another tier. */
type Tier = { text: string; priced: boolean }

/** The standard tier, unless the caller asks for what the operator has priced. Fast mode knows no other tier. */
function tierOf({ scanned: { value }, rules }: Prompt): Tier {
  if (value.speed === 'fast') return { text: '"standard_only"', priced: true }
  const priced = value.service_tier === 'auto' && rules.found?.price.serviceTiers?.priority !== undefined
  return { text: priced ? '"auto"' : '"standard_only"', priced }
}

/**
 * The input that searches can bring: after each, the model reads all again that it had before it, with what it has
 * written and what the searches found so far, and the provider counts all of that.
 */
function searchTokensMax({ tally, tools, rules }: Prompt, bytesMax: number, cap: number): number {
  const { searches } = tools
  const model = rules.found?.model
  if (searches === 0 || !model?.tools) return 0
  const output = Math.min(cap, model.outputTokensMax ?? tokensMax, tokensMax)
  const framing = framingBase + framingPerItem * tally.items
  const again = bytesMax + tally.imageTokens + tally.addedTokens + framing + output
  return searches * again + ((searches * (searches + 1)) / 2) * model.tools.inputTokensPerCall
}

// As the provider's own overhead, which the pipeline adds for the first reading only.
const framingBase = 1024
const framingPerItem = 16

/** The fields to write, remove (`undefined`) or add when the request is forwarded. */
function changesOf(prompt: Prompt, tier: Tier, options: ForwardOptions): Changes {
  const { upstreamModel, outputTokensMax, userHash, addFields = true } = options
  const { value } = prompt.scanned
  const changes: Changes = {}
  for (const name of prompt.fields.removed) changes[name] = undefined
  changes.model = JSON.stringify(upstreamModel)
  changes.max_tokens = String(outputTokensMax)
  if (prompt.tools.text !== undefined) changes.tools = prompt.tools.text
  if (addFields || Object.hasOwn(value, 'metadata')) changes.metadata = JSON.stringify({ user_id: userHash })
  if (addFields || Object.hasOwn(value, 'service_tier')) changes.service_tier = tier.text
  return changes
}
