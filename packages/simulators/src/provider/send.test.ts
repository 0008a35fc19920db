import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Script, scriptFrom } from './script.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'
import { type Json } from './test-kit.ts'
import { NO_USE, type SimulatedWire, type WireEvent } from './wire.ts'
import { jsonBody, sseEvent } from './wire-kit.ts'

const SOUND = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251))

const named = (name: string, content: boolean): WireEvent => ({
  text: sseEvent('{}', name),
  tokens: content ? 4 : 0,
  content,
  use: content ? { audioOutputTokens: 3, imageOutputTokens: 1, toolCalls: 1 } : {},
})

/** A wire unlike OpenAI's chat: bytes, named events, errors of its own, nothing that closes a stream. */
const oddWire: SimulatedWire = {
  id: 'odd',
  matches: (method, path) => method === 'POST' && path === '/v1beta/models/m:speak',
  read: async ({ raw, query }) => {
    const body = jsonBody(raw)
    if (body === null || typeof body.input !== 'string') return null
    const stream = query.get('alt') === 'sse'
    const input = body.input
    const { script, key } = scriptFrom(input)
    return {
      script,
      keys: [key, 7, ''],
      model: 'm',
      plan: () => ({
        stream,
        use: {
          ...NO_USE,
          characters: input.length,
          completionTokens: 8,
          audioOutputTokens: 6,
          imageOutputTokens: 2,
          toolCalls: 2,
        },
        hiddenTokens: 0,
        contentType: stream ? 'text/event-stream' : 'audio/mpeg',
        whole: () => SOUND,
        events: () => [named('start', false), named('one', true), named('two', true), named('stop', false)],
        closing: '',
        errorEvent: sseEvent('{"type":"error"}', 'error'),
        longLine: (content) => sseEvent(JSON.stringify({ content }), 'long'),
      }),
    }
  },
  error: (status, code) => ({ type: 'error', status, code }),
}

describe('a wire of another kind', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await startScriptedProvider({ wires: [oddWire] })
  })
  afterEach(() => provider.reset())
  afterAll(() => provider.stop())

  const ask = (script: Script, key: string, query = '', init: RequestInit = {}) =>
    fetch(`${provider.url.replace(/\/v1$/, '')}/v1beta/models/m:speak${query}`, {
      method: 'POST',
      body: JSON.stringify({ input: JSON.stringify({ script, key }) }),
      ...init,
    })

  /** All bytes until the body ends or breaks. */
  const read = async (answer: Response): Promise<{ bytes: Buffer; broke: boolean }> => {
    const parts: Uint8Array[] = []
    try {
      for await (const part of answer.body ?? []) parts.push(part)
      return { bytes: Buffer.concat(parts), broke: false }
    } catch {
      return { bytes: Buffer.concat(parts), broke: true }
    }
  }

  it('200: sends bytes in pieces, whole and under no announced length', async () => {
    for (const script of [{}, { splitEvery: 7 }, { chunks: 1 }, { chunkDelayMs: 1 }]) {
      const answer = await ask(script, 'a')
      expect(answer.headers.get('content-type')).toBe('audio/mpeg')
      expect(answer.headers.has('content-length')).toBe(false)
      expect((await read(answer)).bytes.equals(SOUND)).toBe(true)
    }
    const zipped = await ask({ gzip: true }, 'z')
    expect(zipped.headers.get('content-encoding')).toBe('gzip')
    expect((await read(zipped)).bytes.equals(SOUND)).toBe(true)
    await provider.idle()
    expect(provider.billFor('a')).toMatchObject({
      keys: ['a'],
      completionTokens: 8,
      audioOutputTokens: 6,
      toolCalls: 2,
      complete: true,
    })
    expect(provider.billFor('a')?.characters).toBeGreaterThan(0)
  })

  it('200: bytes that are cut, cut short or that stop arriving are billed whole', async () => {
    const cut = await read(await ask({ reset: 'mid', chunks: 10 }, 'a'))
    expect(cut.broke).toBe(true)
    expect(cut.bytes.length).toBeLessThanOrEqual(500)
    const short = await read(await ask({ cutShort: true, chunks: 10, afterChunks: 3 }, 'b'))
    expect([short.broke, short.bytes.length]).toEqual([false, 300])
    const late = await read(await ask({ cutShort: true, chunks: 2, afterChunks: 9 }, 'c'))
    expect([late.broke, late.bytes.length]).toEqual([false, 1000])
    const left = new AbortController()
    const answer = await ask({ hang: 'mid', chunks: 4 }, 'd', '', { signal: left.signal })
    const reader = answer.body?.getReader()
    let seen = 0
    while (seen < 500) seen += (await reader?.read())?.value?.length ?? 0
    left.abort()
    await provider.idle()
    expect(seen).toBe(500)
    for (const key of ['a', 'b', 'c', 'd']) {
      expect(provider.billFor(key)).toMatchObject({ completionTokens: 8, complete: false })
    }
    expect(provider.billFor('d')).toMatchObject({ aborted: true })
  })

  it("200: streams the wire's own events, with faults in its own words", async () => {
    const stream = async (script: Script, key = 'k') =>
      (await read(await ask(script, key, '?alt=sse'))).bytes.toString()
    const event = (name: string) => `event: ${name}\ndata: {}\n\n`
    expect(await stream({})).toBe(['start', 'one', 'two', 'stop'].map(event).join(''))
    expect(await stream({ errorEvent: true }, 'e')).toBe(
      `${event('start')}${event('one')}event: error\ndata: {"type":"error"}\n\n`,
    )
    expect(await stream({ longLine: 4 })).toContain('event: long\ndata: {"content":"xxxx"}\n\n')
    await provider.idle()
    expect(provider.billFor('k')).toMatchObject({
      completionTokens: 8,
      audioOutputTokens: 6,
      imageOutputTokens: 2,
      toolCalls: 2,
    })
    expect(provider.billFor('e')).toMatchObject({
      completionTokens: 4,
      audioOutputTokens: 3,
      imageOutputTokens: 1,
      toolCalls: 1,
    })
  })

  it("400, 529: refuses with the wire's own errors, and records the bytes that came", async () => {
    const failed = await ask({ status: 529 }, 'a')
    expect([failed.status, (await failed.json()) as Json]).toEqual([529, { type: 'error', status: 529 }])
    const bytes = Buffer.from([0xff, 0x00, 0xfe])
    const odd = await ask({}, 'b', '', { body: bytes })
    expect([odd.status, (await odd.json()) as Json]).toEqual([
      400,
      { type: 'error', status: 400, code: 'invalid_json' },
    ])
    expect(provider.requests.at(-1)?.raw.equals(bytes)).toBe(true)
  })
})
