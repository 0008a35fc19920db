/** The real `openai` SDK with a session token as its key: the two lines that an app changes, and all that follows. */
import type { Script } from '@faregate/simulators/provider'
import { APIError } from 'openai'
import type { ChatCompletionFunctionTool, ChatCompletionMessageParam } from 'openai/resources'
import { expect, it } from 'vitest'
import { account } from '../harness/calls.ts'
import { ALLOWANCE, billed, billOf, micro, newKey, outcome } from '../harness/exchange.ts'
import { all, scriptMessage, sdkUser, spent } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

export function sdk(stack: () => Stack): void {
  plain(stack)
  streamed(stack)
  brokenStreams(stack)
  tools(stack)
  legacyFunctions(stack)
  models(stack)
  agent(stack)
}

function plain(stack: () => Stack): void {
  for (const path of ['', '/v1', '/v1/']) {
    it.concurrent(`200: a plain answer with baseURL …${path}, charged exactly`, async () => {
      const { client, token } = await sdkUser(stack(), { baseURL: stack().url + path })
      const key = newKey()
      const answer = await client.chat.completions.create({
        model: 'fast',
        messages: [{ role: 'system', content: 'Be brief.' }, scriptMessage({ content: 'Grüße 🦊' }, key)],
      })
      expect(answer.choices[0]?.message.content).toBe('Grüße 🦊')
      const { charged, available } = await outcome(stack(), token)
      expect(charged).toBe(billed(stack(), key))
      expect(available).toBe(ALLOWANCE - charged)
      expect(answer.usage).toMatchObject({
        prompt_tokens: billOf(stack(), key).promptTokens,
        faregate: { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 },
      })
    })
  }

  it.concurrent('200: the headers of the contract come with the answer', async () => {
    const { client, token } = await sdkUser(stack())
    const { response, request_id } = await client.chat.completions
      .create({ model: 'fast', messages: [scriptMessage({})], max_tokens: 50 })
      .withResponse()
    expect(request_id).toMatch(/^req_/)
    const { charged, available, entry } = await outcome(stack(), token)
    expect(entry.requestId).toBe(request_id)
    expect(response.headers.get('faregate-credits-charged')).toBe(String(charged / 1e6))
    expect(response.headers.get('faregate-credits-available')).toBe(String(available / 1e6))
    expect(micro(Number(response.headers.get('faregate-credits-held')))).toBeGreaterThanOrEqual(charged)
  })
}

function streamed(stack: () => Stack): void {
  for (const include_usage of [false, true]) {
    it.concurrent(`200: a stream with include_usage ${include_usage}, charged exactly`, async () => {
      const { client, token } = await sdkUser(stack())
      const key = newKey()
      const stream = await client.chat.completions.create({
        model: 'fast',
        messages: [scriptMessage({ content: 'one two three 🦊', splitEvery: 7 }, key)],
        stream: true,
        ...(include_usage && { stream_options: { include_usage } }),
      })
      const chunks = await all(stream)
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('one two three 🦊')
      const { charged, available } = await outcome(stack(), token)
      expect(charged).toBe(billed(stack(), key))
      const usages = chunks.flatMap(({ usage }) => usage ?? [])
      const receipt = { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 }
      expect(usages).toEqual(include_usage ? [expect.objectContaining({ faregate: receipt })] : [])
    })
  }

  it.concurrent('200: the stream helper puts it all together', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const runner = client.chat.completions.stream({
      model: 'fast',
      messages: [scriptMessage({ content: 'hello' }, key)],
      stream_options: { include_usage: true },
    })
    expect(await runner.finalContent()).toBe('hello')
    expect((await runner.totalUsage()).prompt_tokens).toBe(billOf(stack(), key).promptTokens)
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
  })

  it.concurrent('200: breaking out of the loop stops the provider and the charge', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const stream = await client.chat.completions.create({
      model: 'fast',
      messages: [scriptMessage({ completionTokens: 2000, chunks: 40, chunkDelayMs: 50 }, key)],
      stream: true,
    })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.ended).toBe('stopped')
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
    expect(charged).toBeLessThan(2000)
  })
}

/** What an SDK makes of a stream that does not end well. */
function brokenStreams(stack: () => Stack): void {
  for (const [title, script, code] of [
    ['an error event', { errorEvent: true }, 'upstream_error'],
    ['silence', { hang: 'mid' }, 'upstream_timeout'],
    ['a reset', { reset: 'mid' }, 'upstream_error'],
  ] as [string, Script, string][]) {
    it.concurrent(`200: ${title} in mid-stream raises APIError, after what had come`, async () => {
      const { client, token } = await sdkUser(stack())
      const stream = await client.chat.completions.create({
        model: 'fast',
        messages: [scriptMessage(script)],
        stream: true,
      })
      let said = ''
      const reading = async () => {
        for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? ''
      }
      const error = await reading().catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(APIError)
      expect(error).toMatchObject({ code, type: 'api_error' })
      expect(said).toMatch(/^(word)+$/)
      expect((await outcome(stack(), token)).entry).toMatchObject({ ended: 'error', estimated: true })
    })
  }
}

const weather: ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a place',
    parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
  },
}
const weatherCall = { name: 'get_weather', arguments: '{"place":"Zürich"}' }

function tools(stack: () => Stack): void {
  it.concurrent('200: tools go round: call, result, answer; each step charged exactly', async () => {
    const { client, token } = await sdkUser(stack())
    const [one, two] = [newKey(), newKey()]
    const messages: ChatCompletionMessageParam[] = [scriptMessage({ toolCalls: [weatherCall] }, one)]
    const first = await client.chat.completions.create({ model: 'fast', messages, tools: [weather] })
    const message = first.choices[0]?.message
    const call = message?.tool_calls?.[0]
    expect(call).toMatchObject({ type: 'function', function: weatherCall })
    // The whole answer goes back as it came, as apps do.
    if (message) messages.push(message)
    messages.push({ role: 'tool', tool_call_id: call?.id ?? '', content: '21 °C' })
    messages.push(scriptMessage({ content: 'It is 21 °C.' }, two))
    const second = await client.chat.completions.create({
      model: 'fast',
      messages,
      tools: [weather],
      tool_choice: 'auto',
      parallel_tool_calls: false,
    })
    expect(second.choices[0]?.message.content).toBe('It is 21 °C.')
    await outcome(stack(), token, 2)
    expect(await spent(stack(), token)).toBe(billed(stack(), one) + billed(stack(), two))
  })

  it.concurrent('200: a streamed tool call arrives whole', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const runner = client.chat.completions.stream({
      model: 'fast',
      messages: [scriptMessage({ toolCalls: [weatherCall, weatherCall] }, key)],
      tools: [weather],
    })
    const calls = (await runner.finalMessage()).tool_calls ?? []
    expect(calls.map((call) => 'function' in call && call.function.arguments)).toEqual([
      weatherCall.arguments,
      weatherCall.arguments,
    ])
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
  })
}

/** The demo that this began as: `functions`, streamed, on a route of the app's server. */
function legacyFunctions(stack: () => Stack): void {
  it.concurrent('200: the demo’s route works as it was written', async () => {
    const { client, token } = await sdkUser(stack(), { baseURL: stack().url })
    const key = newKey()
    const response = await client.chat.completions.create({
      model: 'fast',
      stream: true,
      messages: [scriptMessage({ functionCall: weatherCall }, key)],
      functions: [{ name: 'get_weather', parameters: weather.function.parameters ?? {} }],
      function_call: 'auto',
    })
    const call = { name: '', arguments: '' }
    for await (const { choices } of response) {
      const delta = choices[0]?.delta.function_call
      call.name += delta?.name ?? ''
      call.arguments += delta?.arguments ?? ''
    }
    expect(call).toEqual(weatherCall)
    expect((await outcome(stack(), token)).charged).toBe(billed(stack(), key))
    const next = await client.chat.completions.create({
      model: 'fast',
      messages: [
        { role: 'user', content: 'weather?' },
        { role: 'assistant', content: null, function_call: call },
        { role: 'function', name: 'get_weather', content: '21 °C' },
        scriptMessage({ content: 'done' }),
      ],
      functions: [{ name: 'get_weather', parameters: {} }],
    })
    expect(next.choices[0]?.message.content).toBe('done')
  })
}

function models(stack: () => Stack): void {
  for (const path of ['', '/v1']) {
    it.concurrent(`200: models of the plan, listed and one by one, with baseURL …${path}`, async () => {
      const { client } = await sdkUser(stack(), { baseURL: stack().url + path }, 'basic')
      const listed = await all(client.models.list())
      expect(listed.map(({ id, object }) => ({ id, object }))).toEqual([{ id: 'fast', object: 'model' }])
      expect(await client.models.retrieve('fast')).toMatchObject({ id: 'fast', object: 'model' })
      await expect(client.models.retrieve('deep')).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
      })
    })
  }
}

/** Several calls, each checked against the balance as its user sees it. */
function agent(stack: () => Stack): void {
  it.concurrent('200: after each of many calls the account is lower by exactly usage × price', async () => {
    const { client, token } = await sdkUser(stack())
    let before = micro((await account(stack(), token)).credits.available)
    for (let step = 1; step <= 6; step += 1) {
      const script = { promptTokens: 40 + step, cachedTokens: 2 * step, completionTokens: 10 * step }
      const answer = await client.chat.completions.create({
        model: 'fast',
        messages: [scriptMessage(script)],
      })
      const { prompt_tokens = 0, completion_tokens = 0, prompt_tokens_details } = answer.usage ?? {}
      const cached = prompt_tokens_details?.cached_tokens ?? 0
      expect({ prompt_tokens, completion_tokens, cached }).toEqual({
        prompt_tokens: script.promptTokens,
        completion_tokens: script.completionTokens,
        cached: script.cachedTokens,
      })
      const { credits } = await account(stack(), token)
      expect(credits.held).toBe(0)
      expect(before - micro(credits.available)).toBe(
        prompt_tokens - cached + cached / 2 + completion_tokens * 2,
      )
      before = micro(credits.available)
    }
  })
}
