import { describe, expect, test } from 'vitest'
import type { Endpoint } from '../ports.ts'
import { chatCompletions } from './openai/chat-completions.ts'
import { embeddings } from './openai/embeddings.ts'
import { responses } from './openai/responses.ts'
import { acceptedBy } from './test-kit.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text).length
const ask = (text: string) => ({
  'chat-completions': { model: 'fast', messages: [{ role: 'user', content: text }] },
  responses: { model: 'fast', input: text },
  embeddings: { model: 'fast', input: [text] },
})

/** The most tokens of text that a request is held for, with nothing for the provider's framing. */
function textTokensMax(endpoint: Endpoint, body: unknown): number {
  const { forwardedBytesMax, addedTokensMax = 0 } = acceptedBy(endpoint, body)
  return forwardedBytesMax + addedTokensMax
}

describe.each([chatCompletions, responses, embeddings])('$id', (endpoint) => {
  const bodyOf = (text: string) => ask(text)[endpoint.id as 'responses']

  // A musical note of four bytes is composed (NFC) into three of them; folded (NFKC) U+FDFA becomes a sentence.
  test.each([
    ['composes', '\u{1d160}'],
    ['composes', '\u0958'],
    ['folds', '\ufdfa'],
    ['composes, where it shrinks beside', '\uff0c\u0958'],
  ])('text that a tokenizer %s first is held for at its full length', (_name, character) => {
    const text = character.repeat(200)
    const json = JSON.stringify(bodyOf(text))
    const escaped = json.replace(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    const longest = Math.max(bytesOf(text.normalize('NFC')), bytesOf(text.normalize('NFKC')))
    for (const given of [json, escaped]) {
      expect(textTokensMax(endpoint, given)).toBeGreaterThanOrEqual(longest)
    }
  })

  test('text that none makes longer costs its bytes', () => {
    const plain = textTokensMax(endpoint, bodyOf('a'.repeat(6)))
    for (const text of ['Grüße', '한한', 'a\u0001']) {
      expect(textTokensMax(endpoint, bodyOf(text)) - plain).toBe(
        bytesOf(JSON.stringify(text)) - bytesOf('"aaaaaa"'),
      )
    }
  })
})

/** What OpenAI's open format prints for a tool: the description of a nested object stands before it and in it. */
function printed({ name, parameters }: { name: string; parameters: Schema }): string {
  const lines = Object.entries(parameters.properties).map(
    ([key, { description }]) => `// ${description}\n${key}?:     // ${description}\n{\n    },\n`,
  )
  return `type ${name} = (_: {\n${lines.join('')}}) => any;\n`
}
type Schema = { type: 'object'; properties: Record<string, { type: 'object'; description: string }> }

test('tools are held for as they may be printed', () => {
  // Characters that hardly any vocabulary has: a token for each byte.
  const description = '𝌆'.repeat(500)
  const parameters: Schema = { type: 'object', properties: { a: { type: 'object', description } } }
  const called = { name: 'f', parameters }
  const tokens = bytesOf(printed(called))
  const chat = ask('Hi')['chat-completions']
  for (const tools of [{ tools: [{ type: 'function', function: called }] }, { functions: [called] }]) {
    expect(textTokensMax(chatCompletions, { ...chat, ...tools })).toBeGreaterThanOrEqual(tokens)
  }
  const given = { ...ask('Hi').responses, tools: [{ type: 'function', ...called }] }
  expect(textTokensMax(responses, given)).toBeGreaterThanOrEqual(tokens)
})

test.each([
  ['spaces after its separators', '[1,1,1,1,1,1]', '[1, 1, 1, 1, 1, 1]'],
  ['numbers in full', '[1e15,1e15]', '[1000000000000000.0, 1000000000000000.0]'],
  ['escapes for what could be markup', '{"a":"<&>"}', '{"a":"\\u003c\\u0026\\u003e"}'],
])('calls and tools that a server prints anew are held for with %s', (_name, given, anew) => {
  const messages = (text: string) => [
    { role: 'user', content: 'Hi' },
    {
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: text } }],
    },
    { role: 'assistant', function_call: { name: 'f', arguments: text } },
  ]
  const many = (text: string) => `[${Array.from({ length: 50 }, () => text).join(',')}]`
  const held = textTokensMax(chatCompletions, { model: 'fast', messages: messages(many(given)) })
  const empty = textTokensMax(chatCompletions, { model: 'fast', messages: messages('') })
  expect(held - empty).toBeGreaterThanOrEqual(2 * bytesOf(many(anew)))

  const tool = (description: string) => [{ type: 'function', function: { name: 'f', description } }]
  const [one, other] = [many(given), ''].map((text) =>
    textTokensMax(chatCompletions, { ...ask('Hi')['chat-completions'], tools: tool(text) }),
  )
  expect((one ?? 0) - (other ?? 0)).toBeGreaterThanOrEqual(bytesOf(many(anew)))
})
