/**
 * The wire `POST /v1/messages/count_tokens`: how many tokens a prompt has, which Anthropic tells for nothing. It is
 * checked as if it were to be sent, so that what is counted is what could be asked; it takes a place in the limits of
 * requests, and no credits.
 */

import { noUsage } from '../../core/pricing.ts'
import type { Refusal } from '../../core/refusal.ts'
import { ok, type Result } from '../../core/result.ts'
import type { Endpoint, ForwardOptions, ModelRequest, ParseOptions, RawRequest, Tap } from '../../ports.ts'
import { assertBounded, type Changes, longestForward } from '../json-request.ts'
import { replaceFields } from '../json-scan.ts'
import { count, record } from '../usage.ts'
import { anthropicWire } from './anthropic-wire.ts'
import { countTokensParameters } from './messages-parameters.ts'
import { type Prompt, readPrompt, textBytesMax } from './messages-prompt.ts'

/** The endpoint that counts a prompt's tokens. */
export const countTokens: Endpoint = {
  id: 'count-tokens',
  wire: anthropicWire,
  parse: parseCountRequest,
  tap: createCountTap,
  withReceipt: (jsonText) => jsonText,
}

function parseCountRequest(raw: RawRequest, options: ParseOptions): Result<ModelRequest, Refusal> {
  const read = readPrompt(raw, options, countTokensParameters)
  if (!read.ok) return read
  const prompt = read.value
  return ok({
    model: prompt.model,
    stream: false,
    free: true,
    includeUsage: false,
    // Nothing is written; the least that a limit of tokens can be asked for.
    outputTokensAsked: 1,
    choices: 1,
    items: prompt.tally.items,
    mayReason: false,
    dropped: prompt.fields.dropped,
    forward: (forward) => {
      assertBounded(forward)
      return { body: replaceFields(prompt.scanned, changesOf(prompt, forward)), headers: prompt.headers }
    },
    forwardedBytesMax: textBytesMax(prompt, changesOf(prompt, longestForward)),
    ...(prompt.tally.imageTokens > 0 && { uses: { imageInputTokens: prompt.tally.imageTokens } }),
  })
}

function changesOf({ fields, tools }: Prompt, { upstreamModel }: ForwardOptions): Changes {
  const changes: Changes = {}
  for (const name of fields.removed) changes[name] = undefined
  changes.model = JSON.stringify(upstreamModel)
  if (tools.text !== undefined) changes.tools = tools.text
  return changes
}

/** Nothing is used: what was counted is read by nobody. */
function createCountTap(): Tap {
  let answered = false
  return {
    event: () => 'invalid',
    body: (json) => {
      answered = count(record(json)?.input_tokens).sane
      return answered
    },
    usage: () => (answered ? { usage: noUsage, stage: 'final', invalid: false } : null),
    outputTokensSeen: () => 0,
    started: () => false,
  }
}
