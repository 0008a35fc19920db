/** The stream of OpenAI's Responses wire: each item opened, told in pieces and closed, between two of the whole answer. */
import { envelope, finished, type ResponsePlan } from './responses-answer.ts'
import { isRecord } from './script.ts'
import { type WireEvent } from './wire.ts'
import { chunksOf, pieces, spread, sseEvent, toJson } from './wire-kit.ts'

type Json = Record<string, unknown>

/** An event before it has its number. */
type Draft = Omit<WireEvent, 'text'> & Readonly<{ type: string; data: Json }>

const silent = (type: string, data: Json, use?: WireEvent['use']): Draft => ({
  type,
  data,
  tokens: 0,
  content: false,
  ...(use === undefined ? {} : { use }),
})

/** A text in pieces, each with its part of the tokens. */
const told = (type: string, at: Json, text: string, tokens: number, plan: ResponsePlan): Draft[] => {
  const parts = pieces(text, chunksOf(plan.script))
  const shares = spread(tokens, parts.length)
  const isThought = type.startsWith('response.reasoning')
  return parts.map((delta, index) => {
    const share = shares[index] ?? 0
    return {
      type,
      data: { ...at, delta },
      tokens: share,
      content: true,
      ...(isThought ? { use: { reasoningTokens: share } } : {}),
    }
  })
}

const partsOf = (list: unknown): Json[] => (Array.isArray(list) ? list.filter(isRecord) : [])

const messageDrafts = (item: Json, at: Json, tokens: number, plan: ResponsePlan): Draft[] =>
  partsOf(item.content).flatMap((part) => {
    const isText = part.type === 'output_text'
    const name = isText ? 'output_text' : 'refusal'
    const field = isText ? 'text' : 'refusal'
    const place = { ...at, content_index: 0 }
    const more = isText ? { logprobs: [] } : {}
    const deltas = told(`response.${name}.delta`, place, String(part[field]), tokens, plan)
    return [
      silent('response.content_part.added', { ...place, part: { ...part, [field]: '' } }),
      ...deltas.map((draft) => ({ ...draft, data: { ...draft.data, ...more } })),
      silent(`response.${name}.done`, { ...place, [field]: part[field], ...more }),
      silent('response.content_part.done', { ...place, part }),
    ]
  })

const reasoningDrafts = (item: Json, at: Json, tokens: number, plan: ResponsePlan): Draft[] =>
  partsOf(item.summary).flatMap((part) => {
    const place = { ...at, summary_index: 0 }
    return [
      silent('response.reasoning_summary_part.added', { ...place, part: { ...part, text: '' } }),
      ...told('response.reasoning_summary_text.delta', place, String(part.text), tokens, plan),
      silent('response.reasoning_summary_text.done', { ...place, text: part.text }),
      silent('response.reasoning_summary_part.done', { ...place, part }),
    ]
  })

const callDrafts = (item: Json, at: Json, tokens: number, plan: ResponsePlan): Draft[] => [
  ...told('response.function_call_arguments.delta', at, String(item.arguments), tokens, plan),
  silent('response.function_call_arguments.done', { ...at, name: item.name, arguments: item.arguments }),
]

/** An item that has only been opened. */
const opened = (item: Json): Json => ({
  ...item,
  ...(item.status === undefined ? {} : { status: 'in_progress' }),
  ...(item.content === undefined ? {} : { content: [] }),
  ...(item.summary === undefined ? {} : { summary: [] }),
  ...(item.arguments === undefined ? {} : { arguments: '' }),
})

const itemDrafts = (item: Json, index: number, tokens: number, plan: ResponsePlan): Draft[] => {
  const at = { item_id: item.id, output_index: index }
  const isSearch = item.type === 'web_search_call'
  const tell = { message: messageDrafts, reasoning: reasoningDrafts, function_call: callDrafts }[
    String(item.type)
  ]
  return [
    silent('response.output_item.added', { output_index: index, item: opened(item) }),
    ...(isSearch ? [silent('response.web_search_call.searching', at)] : []),
    ...(tell?.(item, at, tokens, plan) ?? []),
    silent(
      'response.output_item.done',
      { output_index: index, item },
      isSearch ? { toolCalls: 1 } : undefined,
    ),
  ]
}

/** The tokens of each item: those of the thought where it is shown, and the rest shared by what is said. */
const tokensOfItems = (plan: ResponsePlan): number[] => {
  const spoken = plan.output.filter(({ type }) => type === 'message' || type === 'function_call')
  const shares = spread(plan.completionTokens - plan.reasoningTokens, spoken.length)
  return plan.output.map((item) => {
    if (item.type === 'reasoning') return plan.reasoningTokens - plan.hiddenTokens
    return shares[spoken.indexOf(item)] ?? 0
  })
}

/** All events in order. */
export const responseEvents = (plan: ResponsePlan): WireEvent[] => {
  const tokens = tokensOfItems(plan)
  const begun = envelope(plan)
  const drafts = [
    silent('response.created', { response: begun }),
    silent('response.in_progress', { response: begun }),
    ...plan.output.flatMap((item, index) => itemDrafts(item, index, tokens[index] ?? 0, plan)),
    silent(plan.capped ? 'response.incomplete' : 'response.completed', { response: finished(plan) }),
  ]
  return drafts.map(({ type, data, ...billed }, number) => ({
    ...billed,
    text: sseEvent(toJson({ type, sequence_number: number, ...data }, plan.script), type),
  }))
}

/** The event that a failing stream ends with. */
export const errorEvent = (): string => {
  const error = { type: 'error', code: 'server_error', message: 'The server had an error.', param: null }
  return sseEvent(JSON.stringify({ ...error, sequence_number: 99 }), 'error')
}

/** An event with that much text in it. */
export const longLine = (delta: string): string => {
  const type = 'response.output_text.delta'
  const at = { item_id: 'msg_long', output_index: 0, content_index: 0 }
  return sseEvent(JSON.stringify({ type, sequence_number: 98, ...at, delta, logprobs: [] }), type)
}
