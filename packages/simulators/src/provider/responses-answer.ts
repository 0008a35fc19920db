/** A whole answer of OpenAI's Responses wire, from a request and a script: its items, what they cost, and its JSON. */
import { type Script } from './script.ts'
import { type Given, NO_USE, type Use } from './wire.ts'
import { count, type Measured, measure, reportedUsage } from './wire-kit.ts'

type Json = Record<string, unknown>

/** An answer before it is put on the wire. */
export type ResponsePlan = Measured &
  Readonly<{
    id: string
    created: number
    model: string
    asked: Json
    /** All of the output, as it is at the end. */
    output: Json[]
    use: Use
    script: Script
  }>

/** What is thought: its summary where the script has a text, encrypted where the request asks for it. */
const reasoningItem = (measured: Measured, id: string, include: unknown): Json[] => {
  if (measured.reasoningTokens === 0) return []
  const summary =
    measured.reasoningText === '' ? [] : [{ type: 'summary_text', text: measured.reasoningText }]
  const encrypted = Array.isArray(include) && include.includes('reasoning.encrypted_content')
  const content = encrypted ? { encrypted_content: `gAAA${'x'.repeat(8 * measured.reasoningTokens)}` } : {}
  return [{ type: 'reasoning', id: `rs_${id}`, summary, ...content }]
}

const spokenItems = ({ text, capped }: Measured, script: Script, id: string): Json[] => {
  const status = capped ? 'incomplete' : 'completed'
  if (script.toolCalls !== undefined) {
    return script.toolCalls.map((call, index) => ({
      type: 'function_call',
      id: `fc_${id}_${index}`,
      call_id: call.id ?? `call_${id}_${index}`,
      name: call.name,
      arguments: call.arguments,
      status,
    }))
  }
  const part =
    script.refusal === undefined
      ? { type: 'output_text', text, annotations: [], logprobs: [] }
      : { type: 'refusal', refusal: text }
  return [{ type: 'message', id: `msg_${id}`, role: 'assistant', status, content: [part] }]
}

const searchItems = (calls: number, id: string): Json[] =>
  Array.from({ length: calls }, (_, index) => ({
    type: 'web_search_call',
    id: `ws_${id}_${index}`,
    status: 'completed',
    action: { type: 'search', query: 'simulated', queries: ['simulated'] },
  }))

/** Decides the whole answer. */
export const planResponse = (asked: Json, script: Script, model: string, given: Given): ResponsePlan => {
  const measured = measure(script, count(asked.max_output_tokens))
  const toolCalls = script.toolCallsRun ?? 0
  const use = {
    ...NO_USE,
    promptTokens: script.promptTokens ?? Math.ceil(given.bodyBytes / 4),
    cachedTokens: script.cachedTokens ?? 0,
    cacheWriteTokens: script.cacheWriteTokens ?? 0,
    longCacheWriteTokens: script.longCacheWriteTokens ?? 0,
    imageInputTokens: script.imageInputTokens ?? 0,
    completionTokens: measured.completionTokens,
    reasoningTokens: measured.reasoningTokens,
    toolCalls,
    serviceTier: script.serviceTier ?? null,
  }
  const output = [
    ...reasoningItem(measured, given.id, asked.include),
    ...searchItems(toolCalls, given.id),
    ...spokenItems(measured, script, given.id),
  ]
  const { id, created } = given
  return { ...measured, id: `resp_${id}`, created, model: script.model ?? model, asked, output, use, script }
}

const usageOf = ({ use }: ResponsePlan): Json => ({
  input_tokens: use.promptTokens,
  input_tokens_details: {
    cached_tokens: use.cachedTokens,
    cache_write_tokens: use.cacheWriteTokens + use.longCacheWriteTokens,
    ...(use.longCacheWriteTokens > 0
      ? {
          cache_write_tokens_details: {
            ttl_30m_tokens: use.cacheWriteTokens,
            ttl_12h_tokens: use.longCacheWriteTokens,
          },
        }
      : {}),
  },
  output_tokens: use.completionTokens,
  output_tokens_details: { reasoning_tokens: use.reasoningTokens },
  total_tokens: use.promptTokens + use.completionTokens,
})

/** The answer's object, without what it says: as a stream begins with it. */
export const envelope = (plan: ResponsePlan): Json => ({
  id: plan.id,
  object: 'response',
  created_at: plan.created,
  status: 'in_progress',
  background: false,
  error: null,
  incomplete_details: null,
  instructions: plan.asked.instructions ?? null,
  max_output_tokens: plan.asked.max_output_tokens ?? null,
  max_tool_calls: plan.asked.max_tool_calls ?? null,
  metadata: {},
  model: plan.model,
  output: [],
  parallel_tool_calls: plan.asked.parallel_tool_calls ?? true,
  previous_response_id: null,
  reasoning: plan.asked.reasoning ?? { effort: null, summary: null },
  service_tier: plan.script.serviceTier ?? plan.asked.service_tier ?? 'auto',
  store: plan.asked.store ?? true,
  temperature: plan.asked.temperature ?? 1,
  text: plan.asked.text ?? { format: { type: 'text' } },
  tool_choice: plan.asked.tool_choice ?? 'auto',
  tools: plan.asked.tools ?? [],
  top_p: plan.asked.top_p ?? 1,
  truncation: plan.asked.truncation ?? 'disabled',
  usage: null,
  user: plan.asked.user ?? null,
})

/** The answer's object at its end. */
export const finished = (plan: ResponsePlan): Json => ({
  ...envelope(plan),
  status: plan.capped ? 'incomplete' : 'completed',
  incomplete_details: plan.capped ? { reason: 'max_output_tokens' } : null,
  output: plan.output,
  ...(plan.use.toolCalls > 0 ? { tool_usage: { web_search: { num_requests: plan.use.toolCalls } } } : {}),
  usage: reportedUsage(plan.script, usageOf(plan)),
})
