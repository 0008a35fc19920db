/**
 * Anthropic's wire, from a request and a script: a message, whole or as named events, and the count of a prompt's
 * tokens. Reasoning that is never shown comes as a block with a signature only.
 */
import { isRecord, readScript, type Script } from './script.ts'
import { type AnswerPlan, type Given, NO_USE, type SimulatedWire, type Use, type WireEvent } from './wire.ts'
import {
  chunksOf,
  count,
  EVENT_STREAM_TYPE,
  JSON_TYPE,
  jsonBody,
  type Measured,
  measure,
  padding,
  pieces,
  reportedUsage,
  spread,
  sseEvent,
  toJson,
} from './wire-kit.ts'

type Json = Record<string, unknown>

type MessagePlan = Measured & Readonly<{ id: string; model: string; use: Use; script: Script }>

/** A block as it begins, the deltas that fill it, what it is in a whole answer, and the searches that it is billed for. */
type Block = Readonly<{ start: Json; deltas: readonly Delta[]; whole: Json; searches?: number }>
type Delta = Readonly<{ delta: Json; tokens: number; content: boolean; reasoning?: boolean }>

const ERRORS: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['invalid_request_error', 'prompt is too long: 250000 tokens > 200000 maximum'],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'Your organization has a billing issue.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'model: claude-never'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', "This request would exceed your organization's rate limit."],
  500: ['api_error', 'Internal server error'],
  504: ['timeout_error', 'The request timed out.'],
  529: ['overloaded_error', 'Overloaded'],
}

/** `{ type: 'error', error: { type, message, details? }, request_id }` for a status. */
const errorBody = (status: number, code?: string): Json => {
  const [type, message] = ERRORS[status] ?? ['api_error', `Simulated answer ${status}.`]
  const details = code === undefined ? {} : { details: { error_code: code } }
  return { type: 'error', error: { type, message, ...details }, request_id: 'req_simulated' }
}

const planMessage = (body: Json, script: Script, model: string, given: Given): MessagePlan => {
  const measured = measure(script, count(body.max_tokens))
  const use = {
    ...NO_USE,
    promptTokens: script.promptTokens ?? Math.ceil(given.bodyBytes / 4),
    cachedTokens: script.cachedTokens ?? 0,
    cacheWriteTokens: script.cacheWriteTokens ?? 0,
    longCacheWriteTokens: script.longCacheWriteTokens ?? 0,
    completionTokens: measured.completionTokens,
    reasoningTokens: measured.reasoningTokens,
    toolCalls: script.toolCallsRun ?? 0,
    serviceTier: script.serviceTier ?? null,
  }
  return { ...measured, id: `msg_${given.id}`, model: script.model ?? model, use, script }
}

const inputUsage = ({ use }: MessagePlan) => ({
  input_tokens: use.promptTokens - use.cachedTokens - use.cacheWriteTokens - use.longCacheWriteTokens,
  cache_creation_input_tokens: use.cacheWriteTokens + use.longCacheWriteTokens,
  cache_read_input_tokens: use.cachedTokens,
})

const usageOf = (plan: MessagePlan) => ({
  ...inputUsage(plan),
  cache_creation: {
    ephemeral_5m_input_tokens: plan.use.cacheWriteTokens,
    ephemeral_1h_input_tokens: plan.use.longCacheWriteTokens,
  },
  output_tokens: plan.use.completionTokens,
  output_tokens_details: { thinking_tokens: plan.use.reasoningTokens },
  server_tool_use:
    plan.use.toolCalls === 0 ? null : { web_search_requests: plan.use.toolCalls, web_fetch_requests: 0 },
  service_tier: plan.use.serviceTier === 'fast' ? 'standard' : (plan.use.serviceTier ?? 'standard'),
  speed: plan.use.serviceTier === 'fast' ? 'fast' : 'standard',
  inference_geo: 'global',
})

/** What has been thought: shown in pieces, or sealed in a signature. */
const thoughtBlocks = (plan: MessagePlan): Block[] => {
  const { reasoningText, reasoningTokens, hiddenTokens, script } = plan
  if (reasoningTokens === 0) return []
  const signature = Buffer.alloc(4 * Math.max(1, reasoningTokens), 's').toString('base64')
  const shown = reasoningText === '' ? [] : pieces(reasoningText, chunksOf(script))
  const tokens = spread(reasoningTokens - hiddenTokens, shown.length)
  const start = { type: 'thinking', thinking: '', signature: '' }
  const deltas: Delta[] = shown.map((thinking, i) => ({
    delta: { type: 'thinking_delta', thinking },
    tokens: tokens[i] ?? 0,
    content: true,
    reasoning: true,
  }))
  const sealed = { delta: { type: 'signature_delta', signature }, tokens: 0, content: false }
  return [{ start, deltas: [...deltas, sealed], whole: { ...start, thinking: reasoningText, signature } }]
}

/** The searches that the provider ran itself: what it asked, and what it found. */
const searchBlocks = ({ use, id }: MessagePlan): Block[] =>
  Array.from({ length: use.toolCalls }, (_, index) => {
    const call = `srvtoolu_${index}_${id}`
    const caller = { type: 'direct' }
    const asked = { type: 'server_tool_use', id: call, name: 'web_search', input: {}, caller }
    const page = { type: 'web_search_result', title: 'A page', url: 'https://example.com', page_age: null }
    const found = {
      type: 'web_search_tool_result',
      tool_use_id: call,
      content: [{ ...page, encrypted_content: 'c2ltdWxhdGVk' }],
      caller,
    }
    return [asked, found].map((block) => ({
      start: block,
      deltas: [],
      whole: block,
      searches: block === found ? 1 : 0,
    }))
  }).flat()

const spokenBlocks = (plan: MessagePlan): Block[] => {
  const { script, text } = plan
  const said = plan.completionTokens - plan.reasoningTokens
  const deltasOf = (field: string, type: string, whole: string, tokens: number): Delta[] => {
    const parts = pieces(whole, chunksOf(script))
    const share = spread(tokens, parts.length)
    return parts.map((part, i) => ({ delta: { type, [field]: part }, tokens: share[i] ?? 0, content: true }))
  }
  if (script.toolCalls !== undefined) {
    const share = spread(said, script.toolCalls.length)
    return script.toolCalls.map((call, index) => {
      const id = call.id ?? `toolu_${index}_${plan.id}`
      const start = { type: 'tool_use', id, name: call.name, input: {}, caller: { type: 'direct' } }
      const deltas = deltasOf('partial_json', 'input_json_delta', call.arguments, share[index] ?? 0)
      return { start, deltas, whole: { ...start, input: JSON.parse(call.arguments) } }
    })
  }
  const start = { type: 'text', text: '', citations: null }
  return [{ start, deltas: deltasOf('text', 'text_delta', text, said), whole: { ...start, text } }]
}

const blocksOf = (plan: MessagePlan): Block[] => [
  ...thoughtBlocks(plan),
  ...searchBlocks(plan),
  ...spokenBlocks(plan),
]

const stopReason = ({ script, capped }: MessagePlan): string => {
  if (capped) return 'max_tokens'
  if (script.refusal !== undefined) return 'refusal'
  return script.toolCalls === undefined ? 'end_turn' : 'tool_use'
}

const envelope = ({ id, model }: MessagePlan) => ({
  id,
  type: 'message',
  role: 'assistant',
  model,
  container: null,
})
const ended = (plan: MessagePlan) => ({
  stop_reason: stopReason(plan),
  stop_sequence: null,
  stop_details: null,
})

const wholeMessage = (plan: MessagePlan): string => {
  const content = blocksOf(plan).map(({ whole }) => whole)
  const usage = reportedUsage(plan.script, usageOf(plan))
  const message = { ...envelope(plan), content, ...ended(plan), ...padding(plan.script), usage }
  return toJson(message, plan.script)
}

const silent = (type: string, fields: Json): WireEvent => ({
  text: sseEvent(JSON.stringify({ type, ...fields }), type),
  tokens: 0,
  content: false,
})

/** The input is told at the start, the totals before the end: of the input only what is not null. */
const messageEvents = (plan: MessagePlan): WireEvent[] => {
  const { script, use } = plan
  const begun = { ...envelope(plan), content: [], stop_reason: null, stop_sequence: null, stop_details: null }
  const told = { ...usageOf(plan), output_tokens: Math.min(1, use.completionTokens), server_tool_use: null }
  const usage = script.noUsage === true ? {} : { usage: told }
  const blocks = blocksOf(plan).flatMap(({ start, deltas, searches = 0 }, index): WireEvent[] => [
    { ...silent('content_block_start', { index, content_block: start }), use: { toolCalls: searches } },
    ...deltas.map(({ delta, tokens, content, reasoning = false }) => ({
      ...silent('content_block_delta', { index, delta }),
      tokens,
      content,
      use: { reasoningTokens: reasoning ? tokens : 0 },
    })),
    silent('content_block_stop', { index }),
  ])
  const { output_tokens, output_tokens_details, server_tool_use } = usageOf(plan)
  const input = use.toolCalls > 0 ? inputUsage(plan) : { input_tokens: null }
  const totals = reportedUsage(script, { ...input, output_tokens, output_tokens_details, server_tool_use })
  const last = { type: 'message_delta', delta: { ...ended(plan), container: null }, usage: totals }
  return [
    silent('message_start', { message: { ...begun, ...usage } }),
    silent('ping', {}),
    ...blocks,
    { ...silent('message_delta', {}), text: sseEvent(toJson(last, script), 'message_delta') },
    silent('message_stop', {}),
  ]
}

const isResult = (part: unknown): boolean => isRecord(part) && part.type === 'tool_result'
const resultsIn = ({ content }: Json): number =>
  Array.isArray(content) ? content.filter(isResult).length : 0

const readRequest = (raw: Buffer) => {
  const body = jsonBody(raw)
  if (body === null || !Array.isArray(body.messages)) return null
  const { script, key } = readScript(body.messages, resultsIn)
  const user = isRecord(body.metadata) ? body.metadata.user_id : undefined
  const model = typeof body.model === 'string' ? body.model : 'unknown'
  return { body, script, keys: [key, user], model }
}

const answer = (plan: MessagePlan, stream: boolean): AnswerPlan => ({
  stream,
  use: plan.use,
  hiddenTokens: plan.hiddenTokens,
  contentType: stream ? EVENT_STREAM_TYPE : JSON_TYPE,
  whole: () => wholeMessage(plan),
  events: () => messageEvents(plan),
  closing: '',
  errorEvent: sseEvent(JSON.stringify(errorBody(529)), 'error'),
  longLine: (content) =>
    silent('content_block_delta', { index: 0, delta: { type: 'text_delta', text: content } }).text,
})

/** `POST /messages`. */
export const messagesWire: SimulatedWire = {
  id: 'messages',
  matches: (method, path) => method === 'POST' && path === '/messages',
  read: ({ raw }) => {
    const request = readRequest(raw)
    if (request === null) return null
    const { body, script, keys, model } = request
    const plan = (given: Given) => answer(planMessage(body, script, model, given), body.stream === true)
    return { script, keys, model, plan }
  },
  error: errorBody,
}

/** `POST /messages/count_tokens`: costs nothing. */
export const countTokensWire: SimulatedWire = {
  id: 'count-tokens',
  matches: (method, path) => method === 'POST' && path === '/messages/count_tokens',
  read: ({ raw }) => {
    const request = readRequest(raw)
    if (request === null) return null
    const { script, keys, model } = request
    const plan = ({ bodyBytes }: Given): AnswerPlan => ({
      stream: false,
      use: NO_USE,
      hiddenTokens: 0,
      contentType: JSON_TYPE,
      whole: () => JSON.stringify({ input_tokens: script.promptTokens ?? Math.ceil(bodyBytes / 4) }),
      events: () => [],
      closing: '',
      errorEvent: '',
      longLine: () => '',
    })
    return { script, keys, model, plan }
  },
  error: errorBody,
}
