/** A conversation as the page keeps it, and what it looks like on the two wires that it is sent over. */
import type { UIMessage } from 'ai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import type { AnswerEvent } from './answer-event.ts'
import type { Problem } from './problems.ts'

/** Which way an answer is asked for: straight from the browser, or through this app's server route. */
export type Way = 'browser' | 'route'

/** A call of a function by the model. `arguments` is JSON text as it comes; there is a result once it was run. */
export type ToolCall = { id: string; name: string; arguments: string; result?: string }

/** A piece of an answer, in the order in which they came. */
export type Part = { kind: 'text'; text: string } | { kind: 'call'; call: ToolCall }

export type Question = { role: 'user'; id: string; text: string }

/** An answer and how it ended: well, by the user, or by a problem. `cost` is in credits, once it is known. */
export type Answer = {
  role: 'assistant'
  id: string
  parts: Part[]
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'
  model: string
  way: Way
  requestIds: string[]
  cost?: number
  problem?: Problem
}

export type Message = Question | Answer

export type Conversation = { id: string; title: string; updatedAt: number; messages: Message[] }

/** The most messages of a conversation that are sent along with a question: each costs its tokens. */
const HISTORY_MAX = 40
const TITLE_CHARACTERS_MAX = 48

/** Whether an answer is still to come or coming. */
export function isUnderWay(message: Message | undefined): boolean {
  return message?.role === 'assistant' && (message.state === 'waiting' || message.state === 'streaming')
}

/** The text of an answer, without its calls. */
export function textOf({ parts }: Answer): string {
  return parts
    .flatMap((part) => (part.kind === 'text' ? [part.text] : []))
    .join('\n\n')
    .trim()
}

/** A conversation's name: the beginning of its first question. */
export function titleOf(question: string): string {
  const line = question.trim().split('\n')[0] ?? ''
  return line.length > TITLE_CHARACTERS_MAX ? `${line.slice(0, TITLE_CHARACTERS_MAX - 1)}…` : line
}

/** The answer after one more event. */
export function withEvent(answer: Answer, event: AnswerEvent): Answer {
  const streaming = { ...answer, state: 'streaming' as const }
  switch (event.type) {
    case 'request':
      return { ...answer, requestIds: [...answer.requestIds, event.requestId] }
    case 'text':
      return { ...streaming, parts: withText(answer.parts, event.text) }
    case 'call':
      return {
        ...streaming,
        parts: [...answer.parts, { kind: 'call', call: { id: event.id, name: event.name, arguments: '' } }],
      }
    case 'arguments':
      return {
        ...streaming,
        parts: withCall(answer.parts, event.id, (call) => ({
          ...call,
          arguments: call.arguments + event.text,
        })),
      }
    case 'result':
      return {
        ...streaming,
        parts: withCall(answer.parts, event.id, (call) => ({ ...call, result: event.result })),
      }
    case 'receipt':
      return { ...answer, cost: (answer.cost ?? 0) + event.receipt.creditsCharged }
    case 'end':
      return answer
  }
}

function withText(parts: Part[], text: string): Part[] {
  const last = parts.at(-1)
  return last?.kind === 'text'
    ? [...parts.slice(0, -1), { kind: 'text', text: last.text + text }]
    : [...parts, { kind: 'text', text }]
}

function withCall(parts: Part[], id: string, change: (call: ToolCall) => ToolCall): Part[] {
  return parts.map((part) =>
    part.kind === 'call' && part.call.id === id ? { kind: 'call', call: change(part.call) } : part,
  )
}

/** The messages for OpenAI's wire. Answers that came to nothing are left out. */
export function toOpenAiMessages(messages: Message[]): ChatCompletionMessageParam[] {
  return recent(messages).flatMap((message): ChatCompletionMessageParam[] =>
    message.role === 'user'
      ? [{ role: 'user', content: message.text }]
      : roundsOf(message).flatMap(({ text, calls }) => [
          {
            role: 'assistant',
            content: text,
            ...(calls.length > 0 && {
              tool_calls: calls.map((call) => ({
                id: call.id,
                type: 'function' as const,
                function: { name: call.name, arguments: call.arguments },
              })),
            }),
          },
          ...calls.map((call) => ({
            role: 'tool' as const,
            tool_call_id: call.id,
            content: call.result ?? '',
          })),
        ]),
  )
}

/** The messages for the AI SDK. */
export function toUiMessages(messages: Message[]): UIMessage[] {
  return recent(messages).map((message) =>
    message.role === 'user'
      ? { id: message.id, role: 'user', parts: [{ type: 'text', text: message.text }] }
      : { id: message.id, role: 'assistant', parts: roundsOf(message).flatMap(toUiParts) },
  )
}

type Round = { text: string; calls: ToolCall[] }

function toUiParts({ text, calls }: Round): UIMessage['parts'] {
  return [
    { type: 'step-start' },
    ...(text ? [{ type: 'text' as const, text }] : []),
    ...calls.map((call) => ({
      type: `tool-${call.name}` as const,
      toolCallId: call.id,
      state: 'output-available' as const,
      input: parse(call.arguments),
      output: parse(call.result ?? ''),
    })),
  ]
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}

function recent(messages: Message[]): Message[] {
  const said = messages.filter((message) => message.role === 'user' || roundsOf(message).length > 0)
  const last = said.slice(-HISTORY_MAX)
  // An answer without its question would be half a story.
  return last[0]?.role === 'assistant' ? last.slice(1) : last
}

/** What the model said in each of its turns: some text, then calls, whose results it got before the next turn. */
function roundsOf({ parts }: Answer): Round[] {
  const rounds: Round[] = []
  for (const part of parts) {
    const last = rounds.at(-1)
    const round = !last || (part.kind === 'text' && last.calls.length > 0) ? { text: '', calls: [] } : last
    if (round !== last) rounds.push(round)
    if (part.kind === 'text') round.text += part.text
    else if (part.call.result !== undefined) round.calls.push(part.call)
  }
  return rounds.filter(({ text, calls }) => text !== '' || calls.length > 0)
}
