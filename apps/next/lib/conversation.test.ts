import { describe, expect, it } from 'vitest'
import type { AnswerEvent } from './answer-event.ts'
import {
  type Answer,
  type Message,
  textOf,
  titleOf,
  toOpenAiMessages,
  toUiMessages,
  withEvent,
} from './conversation.ts'

const empty: Answer = {
  role: 'assistant',
  id: 'a',
  parts: [],
  state: 'waiting',
  model: 'fast',
  way: 'browser',
  requestIds: [],
}
const question = (text: string): Message => ({ role: 'user', id: text, text })
const after = (events: AnswerEvent[]): Answer => events.reduce(withEvent, empty)
const called: AnswerEvent[] = [
  { type: 'request', requestId: 'one', admission: { held: 1, available: 9 } },
  { type: 'text', text: 'Let me ' },
  { type: 'text', text: 'look.' },
  { type: 'call', id: 'c1', name: 'get_current_weather' },
  { type: 'arguments', id: 'c1', text: '{"location":' },
  { type: 'arguments', id: 'c1', text: '"London"}' },
  { type: 'receipt', receipt: { creditsCharged: 0.25, creditsAvailable: 9.75 } },
  { type: 'result', id: 'c1', result: '{"temperature":14}' },
  { type: 'request', requestId: 'two', admission: { held: 1, available: 8.75 } },
  { type: 'text', text: 'It is 14 °C.' },
  { type: 'receipt', receipt: { creditsCharged: 0.5, creditsAvailable: 9.25 } },
  { type: 'end', reason: 'stop' },
]

describe('an answer', () => {
  it('grows with its events, and sums what its requests cost', () => {
    expect(after(called)).toMatchObject({
      state: 'streaming',
      requestIds: ['one', 'two'],
      cost: 0.75,
      parts: [
        { kind: 'text', text: 'Let me look.' },
        {
          kind: 'call',
          call: {
            name: 'get_current_weather',
            arguments: '{"location":"London"}',
            result: '{"temperature":14}',
          },
        },
        { kind: 'text', text: 'It is 14 °C.' },
      ],
    })
    expect(textOf(after(called))).toBe('Let me look.\n\nIt is 14 °C.')
  })

  it('waits until something is said: a request that was taken on says nothing yet', () => {
    expect(after(called.slice(0, 1)).state).toBe('waiting')
    expect(after(called.slice(0, 2)).state).toBe('streaming')
  })
})

describe('a conversation on the wires', () => {
  const messages = [question('Weather?'), after(called), question('And tomorrow?')]

  it('is OpenAI’s, each call followed by its result', () => {
    expect(toOpenAiMessages(messages)).toEqual([
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: 'Let me look.',
        tool_calls: [
          {
            id: 'c1',
            type: 'function',
            function: { name: 'get_current_weather', arguments: '{"location":"London"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: '{"temperature":14}' },
      { role: 'assistant', content: 'It is 14 °C.' },
      { role: 'user', content: 'And tomorrow?' },
    ])
  })

  it('is the AI SDK’s, with a step for each request', () => {
    expect(toUiMessages(messages)[1]?.parts).toEqual([
      { type: 'step-start' },
      { type: 'text', text: 'Let me look.' },
      {
        type: 'tool-get_current_weather',
        toolCallId: 'c1',
        state: 'output-available',
        input: { location: 'London' },
        output: { temperature: 14 },
      },
      { type: 'step-start' },
      { type: 'text', text: 'It is 14 °C.' },
    ])
  })

  it('leaves out answers that came to nothing, and calls that were never run', () => {
    const stopped = after(called.slice(0, 6))
    expect(toOpenAiMessages([question('A'), empty, question('B'), stopped, question('C')])).toEqual([
      { role: 'user', content: 'A' },
      { role: 'user', content: 'B' },
      { role: 'assistant', content: 'Let me look.' },
      { role: 'user', content: 'C' },
    ])
  })

  it('sends the latest 40 messages at most, and no answer without its question', () => {
    const answer = { ...empty, parts: [{ kind: 'text' as const, text: 'Yes.' }] }
    const long = Array.from({ length: 50 }, (_, index) => [question(`${index}`), answer]).flat()
    const sent = toOpenAiMessages([...long, question('last')])
    expect(sent).toHaveLength(39)
    expect(sent[0]).toEqual({ role: 'user', content: '31' })
    expect(sent.at(-1)).toEqual({ role: 'user', content: 'last' })
  })
})

it('a title is the first line, shortened', () => {
  expect(titleOf('  Hello\nthere')).toBe('Hello')
  expect(titleOf('x'.repeat(60))).toBe(`${'x'.repeat(47)}…`)
})
