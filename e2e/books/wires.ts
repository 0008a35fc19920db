/** The wires of the run: each makes requests that carry their script, at models whose prices are round. */

import type { Script } from '@faregate/simulators/provider'
import { RATES, VERSION } from '../harness/messages.ts'
import { wavFile } from '../harness/sound.ts'
import { CAP, scriptOf, sizesOf } from './plans.ts'
import type { Random } from './random.ts'

/** What the provider would charge for a unit of each kind, in microcredits of the test config. */
export type Rates = Partial<{
  input: number
  cachedInput: number
  cacheWrite: number
  longCacheWrite: number
  output: number
  audioInput: number
  imageInput: number
  audioOutput: number
  imageOutput: number
  toolCall: number
  audioSecond: number
  character: number
  perRequest: number
}>

/** One request, ready to be sent. */
export type BookRequest = {
  path: string
  body: string | FormData
  headers?: Record<string, string>
  /** What the provider was told to do. */
  script: Script
  /** How it is paid; `answers` is how often a price per request is asked for. */
  rates: Rates
  answers: number
}

export type BookWire = {
  name: string
  /** How many of a hundred requests are this wire's, about. */
  weight: number
  make(random: Random, key: string): BookRequest
}

const text: Rates = { input: 1, cachedInput: 0.5, output: 2 }

const chat: BookWire = {
  name: 'chat',
  weight: 40,
  make(random, key) {
    const model = random.one(['fast', 'deep', 'drained', 'caching', 'free', 'flat'])
    const stream = random.percent(60)
    const n = random.percent(10) ? 2 : 1
    const script = scriptOf(random, stream, sizesOf(random, model === 'deep'))
    const written = model === 'caching' ? { cacheWriteTokens: cacheWrite(random, script) } : {}
    const content = JSON.stringify({ script: { ...script, ...written }, key })
    const usage = random.percent(50) ? { stream_options: { include_usage: true } } : {}
    const body = {
      model,
      messages: [{ role: 'user', content }],
      ...(random.percent(70) ? { max_completion_tokens: CAP } : {}),
      ...(n > 1 && { n }),
      ...(stream && { stream, ...usage }),
    }
    return {
      path: '/v1/chat/completions',
      body: JSON.stringify(body),
      script,
      rates: ratesOf(model),
      answers: n,
    }
  },
}

const dialects = ['azure', 'deepseek', 'groq', 'mistral', 'ollama', 'openrouter', 'vllm', 'xai'] as const

/** Others who speak the chat wire, each with an accent and by another path. */
const accents: BookWire = {
  name: 'accents',
  weight: 10,
  make(random, key) {
    const dialect = random.one(dialects)
    const stream = random.percent(60)
    const given = { ...scriptOf(random, stream, sizesOf(random, false)), dialect }
    // It has no word for what came out of a cache.
    const script = dialect === 'ollama' ? { ...given, cachedTokens: 0 } : given
    const content = JSON.stringify({ script, key })
    const messages = [{ role: 'user', content }]
    const body = { model: dialect, messages, max_tokens: CAP, ...(stream && { stream }) }
    return {
      path: '/v1/chat/completions',
      body: JSON.stringify(body),
      script,
      rates: text,
      answers: 1,
    }
  },
}

const responses: BookWire = {
  name: 'responses',
  weight: 15,
  make(random, key) {
    const model = random.one(['fast', 'deep', 'drained', 'flat'])
    const stream = random.percent(60)
    const script = scriptOf(random, stream, sizesOf(random, model === 'deep'))
    const input = JSON.stringify({ script, key })
    const body = {
      model,
      input,
      ...(random.percent(70) ? { max_output_tokens: CAP } : {}),
      ...(stream && { stream }),
    }
    return { path: '/v1/responses', body: JSON.stringify(body), script, rates: ratesOf(model), answers: 1 }
  },
}

const speech: BookWire = {
  name: 'speech',
  weight: 8,
  make(random, key) {
    const isByToken = random.percent(40)
    const script = scriptOf(random, isByToken, sizesOf(random, false))
    const input = JSON.stringify({ script, key })
    const how = isByToken ? { model: 'singer', stream_format: 'sse' } : { model: 'voice' }
    const rates: Rates = isByToken ? { input: 1, output: 2, audioOutput: 4 } : { character: 1 }
    const body = JSON.stringify({ ...how, input, voice: 'alloy' })
    return { path: '/v1/audio/speech', body, script, rates, answers: 1 }
  },
}

const transcriptions: BookWire = {
  name: 'transcriptions',
  weight: 8,
  make(random, key) {
    const isByToken = random.percent(60)
    const stream = isByToken && random.percent(50)
    const script = scriptOf(random, stream, sizesOf(random, false))
    const audioInputTokens = random.below((script.promptTokens ?? 0) + 1)
    const form = new FormData()
    form.append('model', isByToken ? 'scribe' : 'listener')
    form.append('prompt', JSON.stringify({ script: { ...script, cachedTokens: 0, audioInputTokens }, key }))
    form.append('file', wavFile(random.between(5, 8)))
    if (stream) form.append('stream', 'true')
    const rates: Rates = isByToken ? { input: 1, output: 2, audioInput: 3 } : { audioSecond: 100 }
    return { path: '/v1/audio/transcriptions', body: form, script, rates, answers: 1 }
  },
}

const gemini: BookWire = {
  name: 'gemini',
  weight: 12,
  make(random, key) {
    const stream = random.percent(60)
    const script = scriptOf(random, stream, sizesOf(random, false))
    const contents = [{ role: 'user', parts: [{ text: JSON.stringify({ script, key }) }] }]
    const generationConfig = random.percent(70) ? { generationConfig: { maxOutputTokens: CAP } } : {}
    const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
    const body = JSON.stringify({ contents, ...generationConfig })
    return { path: `/v1beta/models/gem:${method}`, body, script, rates: text, answers: 1 }
  },
}

const embeddings: BookWire = {
  name: 'embeddings',
  weight: 6,
  make(random, key) {
    const script = {
      ...scriptOf(random, false, { completionTokens: 0, reasoningTokens: 0 }),
      cachedTokens: 0,
    }
    const body = JSON.stringify({ model: 'vectors', input: JSON.stringify({ script, key }) })
    return { path: '/v1/embeddings', body, script, rates: { input: 1 }, answers: 1 }
  },
}

const moderations: BookWire = {
  name: 'moderations',
  weight: 4,
  make(random, key) {
    const model = random.one(['omni-moderation-latest', 'guard'])
    const script = scriptOf(random, false, { completionTokens: 0, reasoningTokens: 0 })
    const body = JSON.stringify({ model, input: JSON.stringify({ script, key }) })
    const rates = model === 'guard' ? { perRequest: 250_000 } : {}
    return { path: '/v1/moderations', body, script, rates, answers: 1 }
  },
}

/** The most that a picture of the run takes: the smallest and plainest. */
const PICTURE_TOKENS = 196

const images: BookWire = {
  name: 'images',
  weight: 6,
  make(random, key) {
    const stream = random.percent(50)
    const n = !stream && random.percent(20) ? 2 : 1
    // A picture is drawn out of sight; no model takes less than a millisecond a token.
    const sizes = { completionTokens: random.between(50, PICTURE_TOKENS), reasoningTokens: 0 }
    const script = scriptOf(random, false, sizes)
    const timed = stream
      ? { ...script, firstChunkDelayMs: script.headersDelayMs ?? 0, headersDelayMs: 0 }
      : script
    const body = {
      model: random.one(['picture', 'poster']),
      prompt: JSON.stringify({ script: { ...timed, imageOutputTokens: sizes.completionTokens }, key }),
      ...(n > 1 && { n }),
    }
    const isFlat = body.model === 'poster'
    const shape = isFlat
      ? {}
      : { size: '1024x1024', quality: 'low', ...(stream && { stream, partial_images: random.below(3) }) }
    const rates: Rates = isFlat ? { perRequest: 250_000 } : { ...text, imageOutput: 3 }
    return {
      path: '/v1/images/generations',
      body: JSON.stringify({ ...body, ...shape }),
      script,
      rates,
      answers: n,
    }
  },
}

const messages: BookWire = {
  name: 'messages',
  weight: 15,
  make(random, key) {
    const model = random.one(['claude', 'thinker'])
    const stream = random.percent(60)
    const script = scriptOf(random, stream, sizesOf(random, model === 'thinker'))
    const long = model === 'claude' && random.percent(30)
    const written = { [long ? 'longCacheWriteTokens' : 'cacheWriteTokens']: cacheWrite(random, script) }
    // Of searches in a stream that is cut, some may be on their way that nobody has seen yet.
    const searches = model === 'claude' && !stream && random.percent(30) ? random.between(1, 3) : 0
    const content = JSON.stringify({ script: { ...script, ...written, toolCallsRun: searches }, key })
    const body = {
      model,
      max_tokens: CAP,
      messages: [{ role: 'user', content }],
      ...(long && { cache_control: { type: 'ephemeral', ttl: '1h' } }),
      ...(searches > 0 && { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
      ...(stream && { stream }),
    }
    return {
      path: '/v1/messages',
      body: JSON.stringify(body),
      headers: VERSION,
      script,
      rates: RATES,
      answers: 1,
    }
  },
}

/** Some of what was not read from the cache is written to it. */
export function cacheWrite(random: Random, script: { promptTokens?: number; cachedTokens?: number }): number {
  return random.below((script.promptTokens ?? 0) - (script.cachedTokens ?? 0) + 1)
}

function ratesOf(model: string): Rates {
  if (model === 'free') return {}
  if (model === 'flat') return { perRequest: 250_000 }
  return model === 'caching' ? { ...text, cacheWrite: 4 } : text
}

export const bookWires: readonly BookWire[] = [
  chat,
  accents,
  responses,
  messages,
  gemini,
  embeddings,
  moderations,
  images,
  speech,
  transcriptions,
]

/** A wire by its weight. */
export function anyWire(random: Random): BookWire {
  let pick = random.below(bookWires.reduce((sum, { weight }) => sum + weight, 0))
  for (const wire of bookWires) {
    pick -= wire.weight
    if (pick < 0) return wire
  }
  return chat
}
