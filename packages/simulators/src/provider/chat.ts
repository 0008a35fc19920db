/**
 * OpenAI's chat wire, from a request and a script: what is said, what it costs, and the JSON or the stream
 * events that say it.
 */
import { type ChatBody, isRecord, type Script } from './script.ts'

/** One choice's share of an answer, before it is put on the wire. Tokens are per choice. */
export type ChatPlan = Readonly<{
  id: string
  created: number
  model: string
  choices: number
  stream: boolean
  includeUsage: boolean
  promptTokens: number
  cachedTokens: number
  cacheWriteTokens: number
  completionTokens: number
  reasoningTokens: number
  finishReason: string
  text: string
  script: Script
}>

/** One `data:` line of a stream. `tokens` are billed once it is written; `mid` marks content chunks. */
export type ChatEvent = Readonly<{ data: string; tokens: number; content: boolean }>

const DEFAULT_TOKENS = 20
const DEFAULT_CHUNKS = 5
const WORD = 'word'

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : undefined

const spoken = (script: Script): string | undefined =>
  script.functionCall?.arguments ??
  script.toolCalls?.map((call) => call.arguments).join('') ??
  script.refusal ??
  script.content

const finishReason = (script: Script, capped: boolean): string => {
  if (capped) return 'length'
  if (script.functionCall !== undefined) return 'function_call'
  return script.toolCalls === undefined ? 'stop' : 'tool_calls'
}

/** How many tokens each choice takes, and how much of its text a cap leaves. */
const measure = (body: ChatBody, script: Script) => {
  const cap = count(body.max_completion_tokens) ?? count(body.max_tokens)
  const reasoning = script.reasoningTokens ?? 0
  const given = spoken(script)
  const visible = given === undefined ? DEFAULT_TOKENS : Math.max(1, Math.ceil(Buffer.byteLength(given) / 4))
  const beyond = script.beyondCap === true && cap !== undefined ? cap * 2 : undefined
  const wanted = script.completionTokens ?? beyond ?? reasoning + visible
  const capped = script.beyondCap !== true && cap !== undefined && wanted > cap
  const completionTokens = capped ? cap : wanted
  const reasoningTokens = Math.min(reasoning, completionTokens)
  const said = completionTokens - reasoningTokens
  const share = wanted > reasoning ? said / (wanted - reasoning) : 0
  const text =
    given === undefined
      ? WORD.repeat(said)
      : capped
        ? given.slice(0, Math.floor(given.length * share))
        : given
  return { completionTokens, reasoningTokens, text, capped }
}

/** Decides the whole answer to a chat request. `bodyBytes` is the request's size on the wire. */
export const planChat = (
  body: ChatBody,
  script: Script,
  given: { id: string; created: number; bodyBytes: number },
): ChatPlan => {
  const { completionTokens, reasoningTokens, text, capped } = measure(body, script)
  return {
    id: `chatcmpl-${given.id}`,
    created: given.created,
    model: script.model ?? (typeof body.model === 'string' ? body.model : 'unknown'),
    choices: Math.max(1, count(body.n) ?? 1),
    stream: body.stream === true,
    includeUsage: isRecord(body.stream_options) && body.stream_options.include_usage === true,
    promptTokens: script.promptTokens ?? Math.ceil(given.bodyBytes / 4),
    cachedTokens: script.cachedTokens ?? 0,
    cacheWriteTokens: script.cacheWriteTokens ?? 0,
    completionTokens,
    reasoningTokens,
    finishReason: finishReason(script, capped),
    text,
    script,
  }
}

const RAW_USAGE = '\u0000usage\u0000'

/** What a provider reports; the script may have it lie. */
const usageOf = (plan: ChatPlan): unknown => {
  const { script } = plan
  if (typeof script.usage === 'string') return RAW_USAGE
  if (script.usage !== undefined) return script.usage
  const completionTokens = plan.completionTokens * plan.choices
  return {
    prompt_tokens: plan.promptTokens,
    completion_tokens: completionTokens,
    total_tokens: plan.promptTokens + completionTokens,
    prompt_tokens_details: {
      cached_tokens: plan.cachedTokens,
      audio_tokens: 0,
      ...(plan.cacheWriteTokens > 0 ? { cache_write_tokens: plan.cacheWriteTokens } : {}),
    },
    completion_tokens_details: {
      reasoning_tokens: plan.reasoningTokens * plan.choices,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** JSON, with raw text where the script gives `usage` as such (NaN, 1e400: not sayable in a JSON value). */
const toJson = (value: unknown, { usage }: Script): string => {
  const json = JSON.stringify(value)
  return typeof usage === 'string' ? json.replace(JSON.stringify(RAW_USAGE), () => usage) : json
}

const envelope = (plan: ChatPlan, object: string) => ({
  id: plan.id,
  object,
  created: plan.created,
  model: plan.model,
  ...(plan.script.serviceTier === undefined ? {} : { service_tier: plan.script.serviceTier }),
  system_fingerprint: null,
})

const message = (plan: ChatPlan): Record<string, unknown> => {
  const { script, text } = plan
  const base = { role: 'assistant', content: null, refusal: null }
  if (script.functionCall !== undefined) {
    return {
      ...base,
      function_call: { name: script.functionCall.name, arguments: script.functionCall.arguments },
    }
  }
  if (script.toolCalls !== undefined) {
    const calls = script.toolCalls.map((call, index) => ({
      id: call.id ?? `call_${index}_${plan.id}`,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    }))
    return { ...base, content: script.content ?? null, tool_calls: calls }
  }
  return script.refusal === undefined ? { ...base, content: text } : { ...base, refusal: text }
}

/** The answer to a request that did not ask for a stream, as JSON text. */
export const chatCompletion = (plan: ChatPlan): string => {
  const choices = Array.from({ length: plan.choices }, (_, index) => ({
    index,
    message: message(plan),
    logprobs: null,
    finish_reason: plan.finishReason,
  }))
  const padding = plan.script.longLine === undefined ? {} : { padding: 'x'.repeat(plan.script.longLine) }
  const usage = plan.script.noUsage === true ? {} : { usage: usageOf(plan) }
  return toJson({ ...envelope(plan, 'chat.completion'), choices, ...padding, ...usage }, plan.script)
}

/** `total` as that many whole numbers, as even as can be. */
const spread = (total: number, parts: number): number[] =>
  Array.from(
    { length: parts },
    (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts),
  )

/** A text in so many pieces, none of which splits a character. */
const pieces = (text: string, parts: number): string[] => {
  const characters = Array.from(text)
  let from = 0
  return spread(characters.length, parts).map((length) => {
    const piece = characters.slice(from, from + length).join('')
    from += length
    return piece
  })
}

/** The content deltas of one choice, in order. */
const contentDeltas = (plan: ChatPlan): Record<string, unknown>[] => {
  const { script } = plan
  const chunks = Math.max(1, script.chunks ?? DEFAULT_CHUNKS)
  if (script.functionCall !== undefined) {
    const [first, ...rest] = pieces(script.functionCall.arguments, chunks)
    return [
      { function_call: { name: script.functionCall.name, arguments: first ?? '' } },
      ...rest.map((piece) => ({ function_call: { arguments: piece } })),
    ]
  }
  if (script.toolCalls !== undefined) {
    return script.toolCalls.flatMap((call, index) => {
      const id = call.id ?? `call_${index}_${plan.id}`
      const head = { index, id, type: 'function', function: { name: call.name, arguments: '' } }
      const tail = pieces(call.arguments, chunks).map((piece) => ({ index, function: { arguments: piece } }))
      return [head, ...tail].map((item) => ({ tool_calls: [item] }))
    })
  }
  const field = script.refusal === undefined ? 'content' : 'refusal'
  return pieces(plan.text, chunks).map((piece) => ({ [field]: piece }))
}

/** Every event of a stream in order, choices interleaved, without `[DONE]`. Hidden tokens are not in it. */
export const chatEvents = (plan: ChatPlan): ChatEvent[] => {
  const base = envelope(plan, 'chat.completion.chunk')
  const nullUsage = plan.includeUsage ? { usage: null } : {}
  const all = Array.from({ length: plan.choices }, (_, index) => index)
  const event = (index: number, delta: unknown, finish: string | null, tokens: number, content: boolean) => {
    const choices = [{ index, delta, logprobs: null, finish_reason: finish }]
    return { data: JSON.stringify({ ...base, choices, ...nullUsage }), tokens, content }
  }
  const deltas = contentDeltas(plan)
  const tokens = spread(plan.completionTokens - plan.reasoningTokens, deltas.length)
  const role = { role: 'assistant', content: plan.script.functionCall ? null : '', refusal: null }
  const events: ChatEvent[] = [
    ...all.map((index) => event(index, role, null, 0, false)),
    ...deltas.flatMap((delta, i) => all.map((index) => event(index, delta, null, tokens[i] ?? 0, true))),
    ...all.map((index) => event(index, {}, plan.finishReason, 0, false)),
  ]
  if (plan.includeUsage && plan.script.noUsage !== true) {
    const data = toJson({ ...base, choices: [], usage: usageOf(plan) }, plan.script)
    events.push({ data, tokens: 0, content: false })
  }
  return events
}
