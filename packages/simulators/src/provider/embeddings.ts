/** OpenAI's embeddings wire. The script stands in the first input that holds one; tokens carry none. */
import { errorBody } from './errors.ts'
import { type Script, scriptFrom } from './script.ts'
import { type AnswerPlan, type Given, NO_USE, type SimulatedWire } from './wire.ts'
import { count, JSON_TYPE, jsonBody, padding, reportedUsage, toJson } from './wire-kit.ts'

const DIMENSIONS = 8

/** The inputs of a request, each a text or tokens; null where there are none. */
const inputsOf = (input: unknown): unknown[] | null => {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0) return null
  return typeof input[0] === 'number' ? [input] : input
}

/** A vector of length one that no other place in the list has. */
const vectorOf = (index: number, dimensions: number): Float32Array => {
  const numbers = Float32Array.from({ length: dimensions }, (_, at) => Math.sin(index * 31 + at + 1))
  const length = Math.hypot(...numbers)
  return numbers.map((each) => each / length)
}

const planEmbeddings = (
  body: Record<string, unknown>,
  inputs: readonly unknown[],
  script: Script,
  model: string,
  given: Given,
): AnswerPlan => {
  const use = { ...NO_USE, promptTokens: script.promptTokens ?? Math.ceil(given.bodyBytes / 4) }
  const whole = () => {
    const data = inputs.map((_, index) => {
      const vector = vectorOf(index, count(body.dimensions) ?? DIMENSIONS)
      const isPacked = body.encoding_format === 'base64'
      const embedding = isPacked ? Buffer.from(vector.buffer).toString('base64') : [...vector]
      return { object: 'embedding', index, embedding }
    })
    const usage = { prompt_tokens: use.promptTokens, total_tokens: use.promptTokens }
    const answer = { object: 'list', data, model, ...padding(script), usage: reportedUsage(script, usage) }
    return toJson(answer, script)
  }
  return {
    stream: false,
    use,
    hiddenTokens: 0,
    contentType: JSON_TYPE,
    whole,
    events: () => [],
    closing: '',
    errorEvent: '',
    longLine: () => '',
  }
}

/** `POST /embeddings`, Azure's deployments too. */
export const embeddingsWire: SimulatedWire = {
  id: 'embeddings',
  matches: (method, path) => method === 'POST' && path === '/embeddings',
  read: ({ raw, deployment }) => {
    const body = jsonBody(raw)
    const inputs = inputsOf(body?.input)
    if (body === null || inputs === null) return null
    const scripted = inputs.find((each) => typeof each === 'string' && each.trimStart().startsWith('{'))
    const { script, key } = scriptFrom(typeof scripted === 'string' ? scripted : '')
    const model = script.model ?? (typeof body.model === 'string' ? body.model : (deployment ?? 'unknown'))
    return {
      script,
      keys: [key, body.user],
      model,
      plan: (given) => planEmbeddings(body, inputs, script, model, given),
    }
  },
  error: errorBody,
}
