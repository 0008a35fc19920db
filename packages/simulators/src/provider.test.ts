import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type Completion,
  chunksOf,
  eventsOf,
  post,
  said,
  scripted,
  stream,
  user,
} from './provider/test-kit.ts'
import { type Script, type ScriptedProvider, startScriptedProvider } from './provider.ts'

/** Reads until the body ends or breaks. */
const readAll = async (response: Response): Promise<{ text: string; broke: boolean }> => {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true })
    return { text, broke: false }
  } catch {
    return { text, broke: true }
  }
}

describe('the scripted provider', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider()
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  it('200: answers a plain request, bills bytes / 4 and records what arrived', async () => {
    const body = user('hello')
    const response = await post(provider.url, body, {
      headers: { 'x-request-id': 'r-1', authorization: 'Bearer k' },
    })
    const answer = (await response.json()) as Completion
    const promptTokens = Math.ceil(JSON.stringify(body).length / 4)
    expect(response.status).toBe(200)
    expect(answer).toMatchObject({ object: 'chat.completion', model: 'gpt-5-mini' })
    expect(answer.choices[0]?.message.content).toBe('word'.repeat(20))
    expect(answer.usage).toMatchObject({
      prompt_tokens: promptTokens,
      completion_tokens: 20,
      total_tokens: promptTokens + 20,
    })
    await provider.idle()
    expect(provider.billFor('r-1')).toMatchObject({
      id: response.headers.get('x-request-id'),
      status: 200,
      promptTokens,
      completionTokens: 20,
      complete: true,
      aborted: false,
      open: false,
    })
    expect(provider.requests).toHaveLength(1)
    expect(provider.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      body: JSON.stringify(body),
    })
    expect(provider.requests[0]?.headers.authorization).toBe('Bearer k')
  })

  it('200: streams as OpenAI does, with and without include_usage', async () => {
    const script = {
      promptTokens: 900,
      cachedTokens: 512,
      completionTokens: 64,
      reasoningTokens: 24,
      chunks: 8,
    }
    const text = await (await post(provider.url, scripted(script, 'a', stream))).text()
    const chunks = chunksOf(text)
    expect(eventsOf(text).at(-1)).toBe('[DONE]')
    expect(chunks).toHaveLength(1 + 8 + 1 + 1)
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant', content: '' })
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 900,
        completion_tokens: 64,
        prompt_tokens_details: { cached_tokens: 512 },
        completion_tokens_details: { reasoning_tokens: 24 },
      },
    })
    expect(said(chunks)).toBe('word'.repeat(40))
    const quiet = chunksOf(await (await post(provider.url, scripted(script, 'b', { stream: true }))).text())
    expect(quiet.some((chunk) => 'usage' in chunk)).toBe(false)
    await provider.idle()
    for (const key of ['a', 'b']) {
      expect(provider.billFor(key)).toMatchObject({
        promptTokens: 900,
        cachedTokens: 512,
        completionTokens: 64,
        complete: true,
      })
    }
  })

  it('200: honours the cap and n, and can go beyond the cap', async () => {
    const capped = (await (
      await post(provider.url, scripted({ completionTokens: 50 }, 'c', { max_tokens: 7, n: 2 }))
    ).json()) as Completion
    expect(capped.choices.map((choice) => choice.finish_reason)).toEqual(['length', 'length'])
    expect(capped.usage?.completion_tokens).toBe(14)
    const own = scripted({ content: 'exactly sixteen!' }, 'c', { max_completion_tokens: 2, max_tokens: 9 })
    expect(((await (await post(provider.url, own)).json()) as Completion).choices[0]?.message.content).toBe(
      'exactly ',
    )
    const beyond = (await (
      await post(provider.url, scripted({ beyondCap: true }, 'd', { max_tokens: 7 }))
    ).json()) as Completion
    expect(beyond.usage?.completion_tokens).toBe(14)
    const two = chunksOf(await (await post(provider.url, scripted({}, 'e', { ...stream, n: 2 }))).text())
    expect([said(two, 0), said(two, 1)]).toEqual(['word'.repeat(20), 'word'.repeat(20)])
    expect(two.at(-1)?.usage?.completion_tokens).toBe(40)
  })

  it('200: tool calls, function calls and refusals, plain and streamed', async () => {
    const call = { name: 'get_weather', arguments: '{"city":"Paris"}' }
    const read = async (script: Script) => {
      const plain = (await (await post(provider.url, scripted(script, 'p'))).json()) as Completion
      const chunks = chunksOf(await (await post(provider.url, scripted(script, 's', stream))).text())
      return { plain: plain.choices[0], deltas: chunks.flatMap((chunk) => chunk.choices) }
    }
    const tools = await read({ toolCalls: [call] })
    expect(tools.plain).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ function: call }] },
    })
    expect(
      tools.deltas
        .flatMap((c) => c.delta.tool_calls ?? [])
        .map((c) => c.function.arguments)
        .join(''),
    ).toBe(call.arguments)
    const legacy = await read({ functionCall: call })
    expect(legacy.plain).toMatchObject({ finish_reason: 'function_call', message: { function_call: call } })
    expect(legacy.deltas.map((c) => c.delta.function_call?.arguments ?? '').join('')).toBe(call.arguments)
    const refused = await read({ refusal: 'I cannot do that.' })
    expect(refused.plain?.message).toMatchObject({ content: null, refusal: 'I cannot do that.' })
    expect(refused.deltas.map((c) => c.delta.refusal ?? '').join('')).toBe('I cannot do that.')
  })

  it.each([400, 401, 403, 404, 413, 422, 429, 500, 503, 529])(
    '%i: refuses with an OpenAI error and bills nothing',
    async (status) => {
      const response = await post(provider.url, scripted({ status }, `s${status}`, stream))
      expect(response.status).toBe(status)
      expect(((await response.json()) as Completion).error).toHaveProperty('message')
      await provider.idle()
      expect(provider.billFor(`s${status}`)).toMatchObject({
        status,
        promptTokens: 0,
        completionTokens: 0,
        complete: true,
      })
    },
  )

  it('429: with retry-after, and for a quota used up; 307: redirects; 200: a literal body', async () => {
    expect((await post(provider.url, scripted({ status: 429 }, 'k'))).headers.get('retry-after')).toBe('2')
    const quota = await post(provider.url, scripted({ status: 429, errorCode: 'insufficient_quota' }, 'k'))
    expect(((await quota.json()) as Completion).error).toMatchObject({
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    })
    const redirect = await post(provider.url, scripted({ redirect: 'http://127.0.0.1:1/' }, 'k'))
    expect([redirect.status, redirect.headers.get('location')]).toEqual([307, 'http://127.0.0.1:1/'])
    const literal = await post(
      provider.url,
      scripted({ body: 'plain words', headers: { 'content-type': 'text/plain' } }, 'k'),
    )
    expect([literal.headers.get('content-type'), await literal.text()]).toEqual(['text/plain', 'plain words'])
  })

  it('resets before the headers bill nothing; mid-stream they bill what was sent', async () => {
    await expect(post(provider.url, scripted({ reset: 'beforeHeaders' }, 'a'))).rejects.toThrow()
    await provider.idle()
    expect(provider.billFor('a')).toMatchObject({
      promptTokens: 0,
      completionTokens: 0,
      complete: false,
      aborted: false,
    })
    const cut = await readAll(
      await post(provider.url, scripted({ reset: 'mid', chunks: 10, promptTokens: 5 }, 'b', stream)),
    )
    expect(cut.broke).toBe(true)
    expect(said(chunksOf(cut.text))).toBe('word'.repeat(10))
    await provider.idle()
    expect(provider.billFor('b')).toMatchObject({ promptTokens: 5, completionTokens: 10, complete: false })
    const half = await readAll(await post(provider.url, scripted({ reset: 'mid', promptTokens: 5 }, 'c')))
    expect(half.broke).toBe(true)
    await provider.idle()
    expect(provider.billFor('c')).toMatchObject({ completionTokens: 20, complete: false })
  })

  it('a client that leaves is billed for what was sent by then', async () => {
    const left = new AbortController()
    const body = scripted(
      { chunks: 20, chunkDelayMs: 5, hang: 'mid', promptTokens: 5, reasoningTokens: 8 },
      'a',
      stream,
    )
    const response = await post(provider.url, body, { signal: left.signal })
    const reader = response.body?.getReader()
    let seen = ''
    while (said(chunksOf(seen)).length < 40) seen += new TextDecoder().decode((await reader?.read())?.value)
    left.abort()
    await provider.idle()
    expect(provider.billFor('a')).toMatchObject({
      completionTokens: 18,
      reasoningTokens: 8,
      complete: false,
      aborted: true,
    })
    const early = new AbortController()
    const waiting = post(provider.url, scripted({ hang: 'headers', promptTokens: 5 }, 'b'), {
      signal: early.signal,
    })
    setTimeout(() => early.abort(), 30)
    await expect(waiting).rejects.toThrow()
    await provider.idle()
    expect(provider.billFor('b')).toMatchObject({
      status: 0,
      promptTokens: 5,
      completionTokens: 0,
      aborted: true,
    })
  })

  it('hidden reasoning is billed by the time it took; billsInFull bills all', async () => {
    const leave = async (script: Script, key: string) => {
      const left = new AbortController()
      const response = await post(provider.url, scripted(script, key, stream), { signal: left.signal })
      setTimeout(() => left.abort(), 50)
      await readAll(response)
      await provider.idle()
      return provider.billFor(key)
    }
    const script = { reasoningTokens: 1000, firstChunkDelayMs: 10_000 }
    const part = await leave(script, 'a')
    expect(part?.reasoningTokens).toBeGreaterThan(0)
    expect(part?.reasoningTokens).toBeLessThan(1000)
    expect(part?.completionTokens).toBe(part?.reasoningTokens)
    expect(await leave({ ...script, billsInFull: true }, 'b')).toMatchObject({
      completionTokens: 1020,
      aborted: true,
    })
  })

  it('200: streams that end badly or say nonsense', async () => {
    const read = async (script: Script) =>
      (await readAll(await post(provider.url, scripted(script, 'k', stream)))).text
    const failed = await read({ errorEvent: true })
    expect(eventsOf(failed).at(-1)).toContain('"error"')
    const short = await read({ cutShort: true })
    expect(chunksOf(short).every((chunk) => chunk.choices[0]?.finish_reason === null)).toBe(true)
    expect(await read({ badSse: true })).toContain('this is not JSON')
    expect(await read({ badSse: 'event: odd\r\n\r\n' })).toContain('event: odd\r\n\r\n')
    const long = await read({ longLine: 100_000 })
    expect(Math.max(...long.split('\n').map((line) => line.length))).toBeGreaterThan(100_000)
    expect(chunksOf(await read({ noUsage: true })).some((chunk) => chunk.usage)).toBe(false)
    expect(await read({ usage: '{"prompt_tokens":NaN,"completion_tokens":1e400}' })).toContain(
      '"usage":{"prompt_tokens":NaN,',
    )
    expect(chunksOf(await read({ usage: { prompt_tokens: -1 } })).at(-1)?.usage).toEqual({
      prompt_tokens: -1,
    })
    const whole = await read({ content: 'Grüße aus 東京 🙂', chunks: 4 })
    expect(said(chunksOf(await read({ content: 'Grüße aus 東京 🙂', chunks: 4, splitEvery: 3 })))).toBe(
      said(chunksOf(whole)),
    )
    expect(said(chunksOf(whole))).toBe('Grüße aus 東京 🙂')
  })

  it('200: broken JSON and compressed answers', async () => {
    await expect((await post(provider.url, scripted({ badJson: true }, 'k'))).json()).rejects.toThrow()
    for (const more of [{}, stream]) {
      const zipped = await post(provider.url, scripted({ gzip: true }, 'k', more))
      expect(zipped.headers.get('content-encoding')).toBe('gzip')
      expect(await zipped.text()).toContain('word')
    }
    const bomb = await post(provider.url, scripted({ gzip: 'bomb' }, 'k'))
    expect(Number(bomb.headers.get('content-length'))).toBeLessThan(100_000)
    await bomb.body?.cancel()
  })

  it('the gate holds requests back until it is released', async () => {
    provider.hold()
    const answers = Promise.all(['a', 'b', 'c'].map((key) => post(provider.url, scripted({}, key))))
    await provider.untilWaiting(3)
    expect(provider.waiting()).toBe(3)
    expect(provider.bills().every((bill) => bill.open && bill.status === 0)).toBe(true)
    provider.release()
    expect((await answers).map((answer) => answer.status)).toEqual([200, 200, 200])
    expect(provider.waiting()).toBe(0)
  })

  it('200: lists models, with and without /v1; 404 elsewhere; refuses to listen beyond loopback', async () => {
    const list = (await (await fetch(`${provider.url}/models`)).json()) as { data: { id: string }[] }
    expect(list.data.map((model) => model.id)).toContain('gpt-5-mini')
    expect((await fetch(provider.url.replace(/\/v1$/, '/models/gpt-5-mini'))).status).toBe(200)
    expect((await fetch(`${provider.url}/models/none`)).status).toBe(404)
    expect((await fetch(`${provider.url}/nowhere`)).status).toBe(404)
    await expect(startScriptedProvider({ host: '0.0.0.0' })).rejects.toThrow('loopback')
  })
})
