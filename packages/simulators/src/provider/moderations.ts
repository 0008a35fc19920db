/** OpenAI's moderations wire: nothing is billed, and no usage told. The script stands in the first text that holds one. */
import { errorBody } from './errors.ts'
import { isRecord, type Script, scriptFrom } from './script.ts'
import { type AnswerPlan, type Given, NO_USE, type SimulatedWire } from './wire.ts'
import { JSON_TYPE, jsonBody, padding, toJson } from './wire-kit.ts'

const CATEGORIES = [
  ...['harassment', 'harassment/threatening', 'hate', 'hate/threatening', 'illicit', 'illicit/violent'],
  ...['self-harm', 'self-harm/instructions', 'self-harm/intent', 'sexual', 'sexual/minors', 'violence'],
  'violence/graphic',
]

const each = (value: unknown) => Object.fromEntries(CATEGORIES.map((name) => [name, value]))

/** One verdict: violence where the text says so, and nothing else. */
const verdictOn = (text: string) => {
  const flagged = /\bkill\b/i.test(text)
  return {
    flagged,
    categories: { ...each(false), violence: flagged },
    category_scores: { ...each(0.01), violence: flagged ? 0.99 : 0.01 },
    category_applied_input_types: each(['text']),
  }
}

/** Every text that is to be judged by itself: parts belong to one input. */
const textsOf = (input: unknown): string[] | null => {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0) return null
  if (input.every((item) => typeof item === 'string')) return input
  const texts = input.map((part) => (isRecord(part) && typeof part.text === 'string' ? part.text : ''))
  return [texts.join(' ').trim()]
}

const planModeration = (
  texts: readonly string[],
  script: Script,
  model: string,
  given: Given,
): AnswerPlan => ({
  stream: false,
  use: NO_USE,
  hiddenTokens: 0,
  contentType: JSON_TYPE,
  whole: () =>
    toJson({ id: `modr-${given.id}`, model, results: texts.map(verdictOn), ...padding(script) }, script),
  events: () => [],
  closing: '',
  errorEvent: '',
  longLine: () => '',
})

/** `POST /moderations`. */
export const moderationsWire: SimulatedWire = {
  id: 'moderations',
  matches: (method, path) => method === 'POST' && path === '/moderations',
  read: ({ raw }) => {
    const body = jsonBody(raw)
    const texts = textsOf(body?.input)
    if (body === null || texts === null) return null
    const { script, key } = scriptFrom(texts.find((text) => text.startsWith('{')) ?? '')
    const model = script.model ?? (typeof body.model === 'string' ? body.model : 'omni-moderation-latest')
    return { script, keys: [key], model, plan: (given) => planModeration(texts, script, model, given) }
  },
  error: errorBody,
}
