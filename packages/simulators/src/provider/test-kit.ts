/** What the simulators' tests share: requests, and reading streams. */
import { type Script } from './script.ts'
import { type AnswerPlan, type OutputUse } from './wire.ts'

export type Json = Record<string, unknown>
export type Delta = {
  role?: string
  content?: string
  reasoning_content?: string
  refusal?: string
  tool_calls?: { index: number; id?: string; function: { name?: string; arguments: string } }[]
  function_call?: { name?: string; arguments: string }
  audio?: { data: string; transcript: string }
}
export type Message = Delta & { content: string | null }
export type Choice = { index: number; message: Message; delta: Delta; finish_reason: string | null }
export type Completion = {
  id: string
  object: string
  model: string
  choices: Choice[]
  usage?: Usage | null
  error?: Json
}
export type Usage = {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  completion_tokens_details: Json
}

export const post = (url: string, body: Json, init: RequestInit = {}) =>
  fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer any' },
    body: JSON.stringify(body),
    redirect: 'manual',
    ...init,
  })

export const user = (content: string): Json => ({
  model: 'gpt-5-mini',
  messages: [{ role: 'user', content }],
})
export const scripted = (script: Script, key: string, more: Json = {}): Json => ({
  ...user(JSON.stringify({ script, key })),
  ...more,
})

export const eventsOf = (text: string): string[] =>
  text.split('\n\n').flatMap((block) => (block.startsWith('data: ') ? [block.slice(6)] : []))

export const chunksOf = (text: string): Completion[] =>
  eventsOf(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as Completion)

export const stream = { stream: true, stream_options: { include_usage: true } }
export const said = (chunks: Completion[], index = 0): string =>
  chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? '')
    .join('')

/** What a stream bills that is read to its end: it has to be the plan's own output. */
export const billedByEvents = (plan: AnswerPlan): OutputUse => {
  const events = plan.events()
  const sum = (figure: 'reasoningTokens' | 'audioOutputTokens' | 'imageOutputTokens' | 'toolCalls') =>
    events.reduce((total, { use }) => total + (use?.[figure] ?? 0), 0)
  return {
    completionTokens: events.reduce((total, { tokens }) => total + tokens, plan.hiddenTokens),
    reasoningTokens: plan.hiddenTokens + sum('reasoningTokens'),
    audioOutputTokens: sum('audioOutputTokens'),
    imageOutputTokens: sum('imageOutputTokens'),
    toolCalls: sum('toolCalls'),
  }
}
