/**
 * The Responses wire over sockets: what is charged is what the provider bills, what is forwarded keeps nothing, and
 * what cannot be bounded is refused in OpenAI's words.
 */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import { ALLOWANCE, arrival, micro, newKey, outcome, untouched } from '../harness/exchange.ts'
import { expectRefusal } from '../harness/refusals.ts'
import {
  askResponses,
  billedResponse,
  RESPONSES,
  responseEvents,
  responsesBody,
  saidIn,
} from '../harness/responses.ts'
import type { Stack } from '../harness/stack.ts'

export function responses(stack: () => Stack): void {
  exact(stack)
  forwarded(stack)
  pictures(stack)
  refusals(stack)
}

const search = { tools: [{ type: 'web_search' }], model: 'searching' }

/** Both ways alike, to the microcredit. */
const rows: [title: string, script: Script, more: Record<string, unknown>][] = [
  ['a plain answer', { content: 'Grüße 🦊' }, {}],
  ['cached input', { promptTokens: 100, cachedTokens: 37, completionTokens: 30 }, {}],
  ['hidden reasoning', { reasoningTokens: 40, completionTokens: 60 }, { model: 'deep' }],
  ['reasoning that is shown', { reasoningContent: 'Hm, so it is.', content: 'Yes.' }, { model: 'deep' }],
  ['a call', { toolCalls: [{ name: 'f', arguments: '{"a":1}' }] }, {}],
  ['an answer cut by its cap', { content: 'x'.repeat(400) }, { max_output_tokens: 40 }],
  ['two searches', { toolCallsRun: 2, promptTokens: 3000, content: 'Found.' }, search],
  ['no search where some might be', { content: 'Known.' }, search],
  ['a dearer tier', { serviceTier: 'priority' }, { model: 'searching', service_tier: 'priority' }],
]

function exact(stack: () => Stack): void {
  for (const [title, script, more] of rows) {
    for (const stream of [false, true]) {
      it.concurrent(`200: ${title}, ${stream ? 'streamed' : 'plain'}, is charged exactly`, async () => {
        const asked = await askResponses(stack(), script, { ...more, stream })
        expect(asked.status, asked.text).toBe(200)
        const { entry, charged, available } = await outcome(stack(), asked.token)
        expect(entry).toMatchObject({ ended: 'complete' })
        expect(entry.estimated ?? false).toBe(false)
        expect(charged).toBe(billedResponse(stack(), asked.key))
        expect(charged).toBeLessThanOrEqual(micro(Number(asked.headers.get('faregate-credits-held'))))
        expect(available).toBe(ALLOWANCE - charged)
        const answer = stream ? responseEvents(asked.text).at(-1)?.response : JSON.parse(asked.text)
        const receipt = { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 }
        expect(answer.usage).toMatchObject({ input_tokens: expect.any(Number), faregate: receipt })
        if (!stream) expect(asked.headers.get('faregate-credits-charged')).toBe(String(charged / 1e6))
      })
    }
  }

  it.concurrent('200: an answer that failed is an answer, and its usage is charged', async () => {
    const usage = { input_tokens: 30, output_tokens: 5 }
    const body = { object: 'response', status: 'failed', error: { code: 'server_error' }, output: [], usage }
    const asked = await askResponses(stack(), { body })
    expect(asked.status).toBe(200)
    expect(JSON.parse(asked.text)).toMatchObject({ status: 'failed' })
    expect((await outcome(stack(), asked.token)).charged).toBe(40)
  })

  it.concurrent('200: a stream split anywhere passes byte for byte but for its receipt', async () => {
    const script: Script = { content: 'one two 🦊', splitEvery: 7 }
    const asked = await askResponses(stack(), script, { stream: true })
    expect(saidIn(asked.text)).toBe('one two 🦊')
    const events = responseEvents(asked.text)
    expect(events.at(-1)?.type).toBe('response.completed')
    expect(asked.text.match(/"faregate"/g)).toHaveLength(1)
    expect(asked.text).not.toMatch(/^:/m)
  })
}

function forwarded(stack: () => Stack): void {
  it.concurrent('200: a stream may repeat instructions of more than 1 MiB', async () => {
    const instructions = 'Be brief. '.repeat(120_000)
    const asked = await askResponses(stack(), { content: 'Yes.' }, { instructions, stream: true })
    expect(saidIn(asked.text)).toBe('Yes.')
    expect(responseEvents(asked.text).at(-1)?.type).toBe('response.completed')
    expect((await outcome(stack(), asked.token)).charged).toBe(billedResponse(stack(), asked.key))
  })

  it.concurrent('200: what goes on keeps nothing, has a cap, and names nobody', async () => {
    const asked = await askResponses(
      stack(),
      {},
      {
        store: true,
        user: 'me@example.com',
        metadata: { a: 'b' },
        service_tier: 'auto',
        instructions: 'Be brief.',
      },
    )
    const { json, path } = arrival(stack(), asked.key)
    expect(path).toBe('/v1/responses')
    expect(json).toMatchObject({
      model: 'gpt-5-mini',
      store: false,
      max_output_tokens: 4096,
      service_tier: 'default',
      instructions: 'Be brief.',
      user: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(json).not.toHaveProperty('metadata')
  })

  it.concurrent('200: the provider is told the most searches that were held for', async () => {
    const asked = await askResponses(stack(), {}, { ...search, max_tool_calls: 50 })
    expect(arrival(stack(), asked.key).json).toMatchObject({ max_tool_calls: 3, tools: search.tools })
    expect(micro(Number(asked.headers.get('faregate-credits-held')))).toBeGreaterThan(30_000)
  })

  it.concurrent('200: Azure is asked below its own path, and keeps nothing either', async () => {
    const asked = await askResponses(stack(), {}, { model: 'azure' })
    expect(asked.status, asked.text).toBe(200)
    const { json, path } = arrival(stack(), asked.key)
    expect(path).toBe('/openai/v1/responses')
    expect(json).toMatchObject({ model: 'azure/best', store: false })
    expect((await outcome(stack(), asked.token)).charged).toBe(billedResponse(stack(), asked.key))
  })

  it.concurrent('200: the same without /v1', async () => {
    const [token, key] = [await tokenOf(stack(), newUser()), newKey()]
    const answer = await call(stack(), token, '/responses', { body: responsesBody(key, {}) })
    expect(answer.status).toBe(200)
    await answer.text()
  })
}

/** A PNG of 1024 × 512, as far as its header says. */
const png = `data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABAAAAAIACAYAAAA${'A'.repeat(400_000)}`

function pictures(stack: () => Stack): void {
  it.concurrent('200: a picture is held for by its size and not by its bytes', async () => {
    const key = newKey()
    const token = await tokenOf(stack(), newUser())
    const script: Script = { promptTokens: 1400, imageInputTokens: 1300, completionTokens: 5 }
    const content = [
      { type: 'input_text', text: JSON.stringify({ script, key }) },
      { type: 'input_image', image_url: png, detail: 'auto' },
    ]
    const body = { model: 'fast', input: [{ role: 'user', content }], max_output_tokens: 100 }
    const answer = await call(stack(), token, RESPONSES, { body })
    expect(answer.status, await answer.text()).toBe(200)
    const held = micro(Number(answer.headers.get('faregate-credits-held')))
    const { charged } = await outcome(stack(), token)
    expect(charged).toBe(billedResponse(stack(), key))
    expect(held).toBeGreaterThanOrEqual(charged)
    expect(held).toBeLessThan(3500)
    expect(arrival(stack(), key).body).toContain(png)
  })
}

function refusals(stack: () => Stack): void {
  const user = { role: 'user', content: 'Hi' }
  const refused: [title: string, body: Record<string, unknown>, param: string, says: RegExp][] = [
    ['a background answer', { background: true }, 'background', /outlives/],
    ['an earlier answer', { previous_response_id: 'resp_1' }, 'previous_response_id', /kept nowhere/],
    ['a conversation', { conversation: 'conv_1' }, 'conversation', /kept nowhere/],
    ['a stored prompt', { prompt: { id: 'pmpt_1' } }, 'prompt', /unknown length/],
    [
      'an item that is only named',
      { input: [user, { type: 'item_reference', id: 'msg_1' }] },
      'input[1]',
      /providerOptions: \{ openai: \{ store: false \} \}/,
    ],
    [
      'a file',
      { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] },
      'input[0].content[0]',
      /files have no price bound/,
    ],
    ['a search without a price', { tools: [{ type: 'web_search' }] }, 'tools[0]', /no price for its calls/],
    ['code to run', { tools: [{ type: 'code_interpreter' }] }, 'tools[0]', /"function" and "custom"/],
    ['a tier without a price', { service_tier: 'priority' }, 'service_tier', /other tiers have no price/],
    ['a field that is unknown', { verbosity: 'low' }, 'verbosity', /not known here/],
  ]
  it.concurrent.each(refused)('400: %s', async (_title, more, param, says) => {
    const token = await tokenOf(stack(), newUser())
    const answer = await call(stack(), token, RESPONSES, { body: { model: 'fast', input: 'Hi', ...more } })
    await expectRefusal(answer, { status: 400, code: 'unsupported_parameter', param, says })
    expect(await untouched(stack(), token)).toBe(true)
  })

  it.concurrent('401, 402, 404: in the same words', async () => {
    const token = await tokenOf(stack(), newUser(), 'none')
    const ask = (as: string, model: string) =>
      call(stack(), as, RESPONSES, { body: { model, input: 'Hi', stream: true } })
    await expectRefusal(await ask('no.such.token', 'fast'), { status: 401, code: 'invalid_token' })
    await expectRefusal(await ask(token, 'fast'), { status: 402, code: 'insufficient_credits' })
    await expectRefusal(await ask(token, 'none'), { status: 404, code: 'model_not_found', param: 'model' })
    // Its provider is only known to speak chat completions.
    await expectRefusal(await ask(token, 'groq'), {
      status: 404,
      code: 'unsupported_endpoint',
      param: 'model',
    })
  })
}
