/**
 * Reads `usageMetadata` of a Gemini answer. Thoughts come beside the candidates' tokens and are output; what tools found
 * comes beside the prompt's and is input; what was cached is part of the prompt.
 * Source: @google/genai 3.3, `GenerateContentResponseUsageMetadata`.
 */
import type { Usage } from '../../core/pricing.ts'
import { type Count, count, optionalCount, record, usageOf } from '../usage.ts'

/** Maps a `usageMetadata` object; `invalid` where it cannot be true. */
export function readGeminiUsage(metadata: Record<string, unknown>): { usage: Usage; invalid: boolean } {
  const input = sum(count(metadata.promptTokenCount), optionalCount(metadata.toolUsePromptTokenCount))
  const said = sum(optionalCount(metadata.candidatesTokenCount), optionalCount(metadata.thoughtsTokenCount))
  const total = optionalCount(metadata.totalTokenCount)
  // Some models count thoughts in the total alone.
  const output: Count = {
    tokens: Math.max(said.tokens, total.tokens - input.tokens),
    sane: said.sane && total.sane,
  }
  const { usage, invalid } = usageOf({
    input,
    output,
    inputParts: inputParts(metadata, input),
    outputParts: {
      audioOutputTokens: modality(metadata.candidatesTokensDetails, 'AUDIO'),
      imageOutputTokens: modality(metadata.candidatesTokensDetails, 'IMAGE'),
    },
  })
  const serviceTier = tierOf(metadata.serviceTier)
  return { usage: serviceTier === null ? usage : { ...usage, serviceTier }, invalid }
}

/** Sound and pictures of the input, with what of them came out of the cache taken off: no token counts twice. */
function inputParts(metadata: Record<string, unknown>, input: Count) {
  const { promptTokensDetails, toolUsePromptTokensDetails, cacheTokensDetails } = metadata
  const all = (kind: string) =>
    sum(modality(promptTokensDetails, kind), modality(toolUsePromptTokensDetails, kind))
  const cached = optionalCount(metadata.cachedContentTokenCount)
  const cachedAudio = modality(cacheTokensDetails, 'AUDIO')
  const audio = less(all('AUDIO'), cachedAudio)
  const image = less(all('IMAGE'), modality(cacheTokensDetails, 'IMAGE'))
  // Where the cache does not say what it held, part of these may be in it.
  const audioLeft = atMost(audio, input.tokens - cached.tokens)
  return {
    cachedInputTokens: less(cached, cachedAudio),
    cachedAudioInputTokens: cachedAudio,
    audioInputTokens: audioLeft,
    imageInputTokens: atMost(image, input.tokens - cached.tokens - audioLeft.tokens),
  }
}

/** The tokens of one modality in a list of `{ modality, tokenCount }`. */
function modality(details: unknown, kind: string): Count {
  const counts = Array.isArray(details) ? details.map(record) : []
  return counts
    .filter((each) => each?.modality === kind)
    .map((each) => optionalCount(each?.tokenCount))
    .reduce(sum, { tokens: 0, sane: true })
}

function sum(one: Count, other: Count): Count {
  return { tokens: one.tokens + other.tokens, sane: one.sane && other.sane }
}

function less(whole: Count, part: Count): Count {
  const sane = whole.sane && part.sane && part.tokens <= whole.tokens
  return { tokens: Math.max(0, whole.tokens - part.tokens), sane }
}

function atMost({ tokens, sane }: Count, most: number): Count {
  return { tokens: Math.max(0, Math.min(tokens, most)), sane }
}

/** The tier that served where it is not the standard one: `priority`, `flex`. */
function tierOf(given: unknown): string | null {
  if (typeof given !== 'string') return null
  const tier = given.toLowerCase().replace('service_tier_', '')
  return tier === '' || tier === 'standard' || tier === 'unspecified' ? null : tier
}
