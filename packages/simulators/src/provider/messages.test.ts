import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { countTokensWire, messagesWire } from './messages.ts'
import { type Script } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import { billedByEvents, type Json } from './test-kit.ts'
import { type AnswerPlan, type WireRequest } from './wire.ts'

type Message = {
  content: Json[]
  stop_reason: string
  usage: Json & { output_tokens: number }
  error?: Json
}
type Event = { type: string; message?: Json; delta?: Json; content_block?: Json; usage?: Json; error?: Json }

const scripted = (script: Script, key: string, more: Json = {}): Json => ({
  model: 'claude-sonnet-5',
  max_tokens: 500,
  messages: [{ role: 'user', content: JSON.stringify({ script, key }) }],
  ...more,
})

const planOf = async (body: Json): Promise<AnswerPlan> => {
  const raw = Buffer.from(JSON.stringify(body))
  const request: WireRequest = {
    raw,
    path: '/messages',
    query: new URLSearchParams(),
    headers: {},
    deployment: null,
  }
  const reading = await messagesWire.read(request)
  if (reading === null) throw new Error('the messages wire refused its own request')
  return reading.plan({ id: '1', created: 0, bodyBytes: 400 })
}

const eventsOf = (text: string): Event[] =>
  text.split('\n\n').flatMap((block) => {
    const match = /^event: (\w+)\ndata: (.*)$/s.exec(block)
    if (match === null) return []
    const event = JSON.parse(match[2] ?? '') as Event
    expect(event.type).toBe(match[1])
    return [event]
  })

describe('the messages wire', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider()
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  const post = (body: Json, path = '/messages') =>
    fetch(provider.url + path, { method: 'POST', body: JSON.stringify(body) })
  const whole = async (script: Script, key: string, more: Json = {}): Promise<Message> =>
    (await (await post(scripted(script, key, more))).json()) as Message
  const streamed = async (script: Script, key: string, more: Json = {}): Promise<Event[]> =>
    eventsOf(await (await post(scripted(script, key, { ...more, stream: true }))).text())

  it.each<[string, Script, Json]>([
    ['a plain answer', {}, {}],
    ['a cap', { completionTokens: 33, reasoningTokens: 20 }, { max_tokens: 25 }],
    ['hidden reasoning', { reasoningTokens: 17 }, {}],
    ['visible reasoning', { reasoningContent: 'Let me see what this is.', chunks: 4 }, {}],
    [
      'tool calls',
      {
        toolCalls: [
          { name: 'f', arguments: '{"a":1}' },
          { name: 'g', arguments: '{}' },
        ],
      },
      {},
    ],
    ['searches', { toolCallsRun: 2 }, {}],
  ])('the events of %s bill what the whole answer does', async (_name, script, more) => {
    const plan = await planOf(scripted(script, 'k', more))
    const { completionTokens, reasoningTokens, toolCalls } = plan.use
    expect(billedByEvents(plan)).toEqual({
      completionTokens,
      reasoningTokens,
      audioOutputTokens: 0,
      imageOutputTokens: 0,
      toolCalls,
    })
    expect(completionTokens).toBeGreaterThan(0)
  })

  it('200: reports and bills what was cached, searched and served by another tier', async () => {
    const script = {
      promptTokens: 90,
      cachedTokens: 40,
      cacheWriteTokens: 10,
      longCacheWriteTokens: 20,
      completionTokens: 20,
      serviceTier: 'priority',
    }
    const answer = await whole({ ...script, toolCallsRun: 2 }, 'a')
    expect(answer.usage).toMatchObject({
      input_tokens: 20,
      cache_read_input_tokens: 40,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
      output_tokens: 20,
      server_tool_use: { web_search_requests: 2 },
      service_tier: 'priority',
    })
    const events = await streamed({ ...script, toolCallsRun: 2 }, 'b')
    expect(events[0]?.message?.usage).toMatchObject({ input_tokens: 20, output_tokens: 1 })
    expect(events.at(-2)?.usage).toMatchObject({ input_tokens: 20, output_tokens: 20 })
    await provider.idle()
    for (const key of ['a', 'b']) expect(provider.billFor(key)).toMatchObject({ ...script, toolCalls: 2 })
  })

  it('200: streams its blocks in order, with one end', async () => {
    const script = {
      reasoningContent: 'Hm.',
      toolCalls: [{ name: 'f', arguments: '{"place":"Köln"}' }],
      chunks: 3,
    }
    const events = await streamed(script, 'a')
    const types = events.map(({ type }) => type)
    expect(types.slice(0, 3)).toEqual(['message_start', 'ping', 'content_block_start'])
    expect(types.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
    expect(events.flatMap(({ content_block: block }) => block?.type ?? [])).toEqual(['thinking', 'tool_use'])
    expect(events.map(({ delta }) => delta?.partial_json ?? '').join('')).toBe('{"place":"Köln"}')
    expect(events.map(({ delta }) => delta?.thinking ?? '').join('')).toBe('Hm.')
    expect(events.at(-2)?.delta?.stop_reason).toBe('tool_use')
    const { content } = await whole(script, 'b')
    expect(content).toMatchObject([{ thinking: 'Hm.' }, { name: 'f', input: { place: 'Köln' } }])
  })

  it('200: answers each turn of a conversation with its own step', async () => {
    const steps: Script[] = [{ toolCalls: [{ name: 'f', arguments: '{}' }] }, { content: 'Done.' }]
    const asked = { role: 'user', content: [{ type: 'text', text: JSON.stringify({ steps, key: 'k' }) }] }
    const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'ok' }] }
    const said = async (messages: Json[]) =>
      ((await (await post(scripted({}, '', { messages }))).json()) as Message).content[0]
    expect(await said([asked])).toMatchObject({ type: 'tool_use', name: 'f' })
    expect(await said([asked, { role: 'assistant', content: 'x' }, result])).toMatchObject({ text: 'Done.' })
  })

  it('200: lies, and is silent, about usage', async () => {
    expect((await whole({ usage: { input_tokens: -1 } }, 'a')).usage).toEqual({ input_tokens: -1 })
    expect((await whole({ noUsage: true }, 'b')).usage).toBeUndefined()
    const events = await streamed({ noUsage: true }, 'c')
    expect(JSON.stringify(events)).not.toContain('usage')
    expect((await streamed({ usage: { output_tokens: 1.5 } }, 'd')).at(-2)?.usage).toEqual({
      output_tokens: 1.5,
    })
  })

  it('200: ends in an error where it shall; 400: to what is no message; 529: in its own words', async () => {
    expect((await streamed({ errorEvent: true }, 'a')).at(-1)).toMatchObject({
      type: 'error',
      error: { type: 'overloaded_error' },
    })
    const refused = await post({ model: 'claude' })
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
    const busy = await post(scripted({ status: 529, errorCode: 'busy' }, 'b'))
    expect(busy.status).toBe(529)
    expect(await busy.json()).toMatchObject({
      error: { type: 'overloaded_error', details: { error_code: 'busy' } },
    })
  })

  it('200: counts tokens for nothing', async () => {
    const answer = await post(scripted({ promptTokens: 12 }, 'a'), '/messages/count_tokens')
    expect(await answer.json()).toEqual({ input_tokens: 12 })
    expect(provider.billFor('a')).toMatchObject({ promptTokens: 0, completionTokens: 0 })
    expect(countTokensWire.matches('POST', '/messages')).toBe(false)
  })
})
