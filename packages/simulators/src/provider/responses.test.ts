import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { responsesWire } from './responses.ts'
import { type Script } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import { billedByEvents, type Json } from './test-kit.ts'
import { type AnswerPlan } from './wire.ts'

type Event = Json & { type: string; sequence_number: number; delta?: string; response?: Json; item?: Json }

const asked = (script: Script, key: string, more: Json = {}): Json => ({
  model: 'gpt-5-mini',
  input: JSON.stringify({ script, key }),
  ...more,
})

const planOf = async (body: Json): Promise<AnswerPlan> => {
  const reading = await responsesWire.read({
    raw: Buffer.from(JSON.stringify(body)),
    path: '/responses',
    query: new URLSearchParams(),
    headers: {},
    deployment: null,
  })
  if (reading === null) throw new Error('the wire refused its own request')
  return reading.plan({ id: '1', created: 0, bodyBytes: 400 })
}

describe('the responses wire', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider()
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  const post = (body: Json) =>
    fetch(`${provider.url}/responses`, { method: 'POST', body: JSON.stringify(body) })
  const whole = async (body: Json): Promise<Json> => (await (await post(body)).json()) as Json
  const events = async (script: Script, key: string, more: Json = {}): Promise<Event[]> => {
    const text = await (await post(asked(script, key, { stream: true, ...more }))).text()
    return text
      .split('\n\n')
      .filter((block) => block !== '')
      .map((block) => {
        const [name, data] = block.split('\ndata: ')
        const event = JSON.parse(data ?? '') as Event
        expect(name).toBe(`event: ${event.type}`)
        return event
      })
  }
  const told = (all: Event[], type: string) =>
    all.flatMap((event) => (event.type === type ? [event.delta ?? ''] : [])).join('')

  it.each<[string, Script, Json]>([
    ['a plain answer', {}, {}],
    ['a cap', { completionTokens: 33, reasoningTokens: 20 }, { max_output_tokens: 25 }],
    ['hidden reasoning', { reasoningTokens: 17 }, {}],
    ['visible reasoning', { reasoningContent: 'Let me see what this is.', chunks: 4 }, {}],
    ['a refusal', { refusal: 'No.' }, {}],
    ['searches', { toolCallsRun: 3, content: 'Found.' }, {}],
    [
      'calls',
      {
        toolCalls: [
          { name: 'f', arguments: '{"a":1}' },
          { name: 'g', arguments: '{}' },
        ],
      },
      {},
    ],
  ])('the events of %s bill what the whole answer does', async (_name, script, more) => {
    const { use, ...plan } = await planOf(asked(script, 'k', more))
    expect(billedByEvents({ use, ...plan })).toEqual({
      completionTokens: use.completionTokens,
      reasoningTokens: use.reasoningTokens,
      audioOutputTokens: 0,
      imageOutputTokens: 0,
      toolCalls: use.toolCalls,
    })
    expect(use.completionTokens).toBeGreaterThan(0)
  })

  it('200: a whole answer reports and bills every figure', async () => {
    const script: Script = {
      content: 'Found it.',
      promptTokens: 900,
      cachedTokens: 300,
      cacheWriteTokens: 200,
      longCacheWriteTokens: 100,
      completionTokens: 50,
      reasoningTokens: 30,
      toolCallsRun: 2,
      serviceTier: 'priority',
    }
    const include = ['reasoning.encrypted_content']
    const answer = await whole(asked(script, 'a', { include }))
    expect(answer).toMatchObject({
      object: 'response',
      status: 'completed',
      service_tier: 'priority',
      tool_usage: { web_search: { num_requests: 2 } },
      usage: {
        input_tokens: 900,
        input_tokens_details: {
          cached_tokens: 300,
          cache_write_tokens: 300,
          cache_write_tokens_details: { ttl_30m_tokens: 200, ttl_12h_tokens: 100 },
        },
        output_tokens: 50,
        output_tokens_details: { reasoning_tokens: 30 },
        total_tokens: 950,
      },
    })
    const items = answer.output as Json[]
    expect(items.map(({ type }) => type)).toEqual([
      'reasoning',
      'web_search_call',
      'web_search_call',
      'message',
    ])
    expect(items[0]).toMatchObject({ summary: [], encrypted_content: expect.stringMatching(/^gAAA/) })
    expect(items[3]?.content).toMatchObject([{ type: 'output_text', text: 'Found it.' }])
    const { content: _content, toolCallsRun, ...figures } = script
    expect(provider.billFor('a')).toMatchObject({ ...figures, toolCalls: toolCallsRun })
  })

  it('200: a stream tells each item between two of the whole answer', async () => {
    const script: Script = { content: 'one two', reasoningContent: 'Hm, so.', chunks: 2 }
    const all = await events(script, 'a')
    expect(all.map(({ type }) => type.replace('response.', ''))).toEqual([
      ...['created', 'in_progress', 'output_item.added', 'reasoning_summary_part.added'],
      ...['reasoning_summary_text.delta', 'reasoning_summary_text.delta'],
      ...['reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done'],
      ...['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta'],
      ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
    ])
    expect(all.map(({ sequence_number }) => sequence_number)).toEqual(all.map((_, index) => index))
    expect(told(all, 'response.output_text.delta')).toBe('one two')
    expect(told(all, 'response.reasoning_summary_text.delta')).toBe('Hm, so.')
    expect(all[0]?.response).toMatchObject({ status: 'in_progress', usage: null, output: [] })
    await provider.idle()
    const { promptTokens, completionTokens } = provider.billFor('a') ?? {}
    expect(all.at(-1)?.response).toMatchObject({
      status: 'completed',
      usage: { input_tokens: promptTokens, output_tokens: completionTokens },
    })
  })

  it('200: calls are told by their arguments, and refusals as such', async () => {
    const call = { id: 'c1', name: 'weather', arguments: '{"city":"Köln"}' }
    const called = await events({ toolCalls: [call] }, 'a')
    expect(told(called, 'response.function_call_arguments.delta')).toBe(call.arguments)
    expect(called.find(({ type }) => type === 'response.output_item.done')?.item).toMatchObject({
      type: 'function_call',
      call_id: 'c1',
      name: 'weather',
      arguments: call.arguments,
    })
    expect(told(await events({ refusal: 'I will not.' }, 'b'), 'response.refusal.delta')).toBe('I will not.')
  })

  it('200: a cap ends an answer as incomplete', async () => {
    const script = { content: 'x'.repeat(80) }
    const cap = { max_output_tokens: 16 }
    expect(await whole(asked(script, 'a', cap))).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 16 },
    })
    expect((await events(script, 'b', cap)).at(-1)?.type).toBe('response.incomplete')
  })

  it('200: faults end a stream as they do on other wires', async () => {
    const cut = await events({ cutShort: true, content: 'one two three', chunks: 4, afterChunks: 2 }, 'a')
    expect(cut.at(-1)?.type).toBe('response.output_text.delta')
    const failed = await events({ errorEvent: true }, 'b')
    expect(failed.at(-1)).toMatchObject({ type: 'error', code: 'server_error', message: expect.any(String) })
    const silent = await events({ noUsage: true }, 'c')
    expect(silent.at(-1)?.response).not.toHaveProperty('usage')
  })

  it('200: answers each turn with its own step', async () => {
    const steps: Script[] = [{ toolCalls: [{ name: 'f', arguments: '{}' }] }, { content: 'Done.' }]
    const first = {
      role: 'user',
      content: [{ type: 'input_text', text: JSON.stringify({ steps, key: 'k' }) }],
    }
    const result = { type: 'function_call_output', call_id: 'c', output: '7' }
    const typeOf = async (input: Json[]) =>
      ((await whole({ model: 'm', input })).output as Json[]).map(({ type }) => type)
    expect(await typeOf([first])).toEqual(['function_call'])
    expect(await typeOf([first, result])).toEqual(['message'])
  })

  it('400: to what is no request, and to items that are only named', async () => {
    for (const body of [
      { model: 'm' },
      { model: 'm', input: [{ type: 'item_reference', id: 'msg_1' }] },
      { model: 'm', input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] },
    ]) {
      expect((await post(body)).status).toBe(400)
    }
  })
})
