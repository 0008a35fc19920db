/**
 * The tap of the images wire. A request that reached the provider is presumed to have cost all that its pictures can,
 * until the provider's own usage says what they did: nothing that is seen on the way shows how far the work has come.
 */
import { noUsage } from '../../core/pricing.ts'
import type { EventKind, ModelRequest, Reading, Tap } from '../../ports.ts'
import { type Count, count, optionalCount, parseRecord, record, usageOf } from '../usage.ts'

type State = { reading: Reading | null; pictures: number; ended: boolean }

/** Makes the tap for one request. */
export function createImagesTap(request: Pick<ModelRequest, 'outputTokensAsked' | 'choices'>): Tap {
  const state: State = { reading: null, pictures: 0, ended: false }
  const tokensMax = (request.outputTokensAsked ?? 0) * request.choices
  return {
    event: (data, name = null) => readEvent(state, data, name),
    body: (json) => readBody(state, json),
    usage: () => {
      const { reading, pictures, ended } = state
      // Where no token is priced the pictures are all that counts, and a model that draws so need not report more.
      if (reading === null && tokensMax === 0 && ended) return final(noUsage, pictures, false)
      if (reading === null || tokensMax === 0) return reading && { ...reading, invalid: false }
      const silent = pictures > 0 && reading.usage.outputTokens === 0
      return silent ? { ...reading, invalid: true } : reading
    },
    outputTokensSeen: () => tokensMax,
    // A preview shows nothing of what is still to be paid, so that it is better read on for a client that left.
    started: () => state.ended,
    ended: () => state.ended,
  }
}

function readEvent(state: State, data: string, name: string | null): EventKind {
  if (data === '[DONE]') return 'done'
  if (name === 'error') return 'error'
  if (data.trim() === '') return 'pass'
  const json = parseRecord(data)
  if (json === null) return 'invalid'
  if (json.type === 'error' || (json.error !== undefined && json.error !== null)) return 'error'
  if (json.type !== 'image_generation.completed') return 'pass'
  take(state, json, 1)
  return 'last'
}

function readBody(state: State, json: unknown): boolean {
  const answer = record(json)
  if (answer === null || !Array.isArray(answer.data)) return false
  take(state, answer, answer.data.length)
  return true
}

function take(state: State, answer: Record<string, unknown>, pictures: number): void {
  state.pictures = pictures
  state.ended = true
  const usage = record(answer.usage)
  if (usage === null) return
  const read = readUsage(usage)
  state.reading = final(read.usage, pictures, read.invalid)
}

function final(usage: Reading['usage'], answers: number, invalid: boolean): Reading {
  return { usage: { ...usage, answers }, stage: 'final', invalid }
}

/** The output is pictures but for what the details say is text. What is cached of the input is not told apart by kind. */
function readUsage(usage: Record<string, unknown>): { usage: Reading['usage']; invalid: boolean } {
  const inputDetails = record(usage.input_tokens_details) ?? {}
  const outputDetails = record(usage.output_tokens_details) ?? {}
  const words = optionalCount(outputDetails.text_tokens)
  const pictures = optionalCount(outputDetails.image_tokens)
  const output = count(usage.output_tokens)
  const drawn: Count = {
    tokens: Math.max(0, output.tokens - words.tokens),
    sane: words.sane && pictures.sane && words.tokens + pictures.tokens <= output.tokens,
  }
  return usageOf({
    input: count(usage.input_tokens),
    output,
    inputParts: {
      imageInputTokens: optionalCount(inputDetails.image_tokens),
      cachedInputTokens: optionalCount(inputDetails.cached_tokens),
    },
    outputParts: { imageOutputTokens: drawn },
  })
}
