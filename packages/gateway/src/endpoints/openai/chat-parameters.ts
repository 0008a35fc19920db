/**
 * What a chat request may say, one row a field. The rows are OpenAI's fields as of openai 7.57
 * (`ChatCompletionCreateParamsBase`) and `best_of`.
 */
import {
  anything,
  array,
  boolean,
  type Check,
  isPositiveInteger,
  number,
  object,
  oneOf,
  overwrittenFields,
  type ParameterTable,
  positiveInteger,
  string,
  stringOrArray,
  stringOrObject,
  typeIsOneOf,
} from '../parameters.ts'
import { record } from '../usage.ts'
import { voice } from './sound-output.ts'

const toolChoice: Check = {
  accepts: (value) =>
    typeof value === 'string' || typeIsOneOf(value, ['function', 'custom', 'allowed_tools']),
  expected: '"none", "auto", "required", or an object of type "function", "custom" or "allowed_tools"',
  code: 'unsupported_parameter',
}
const responseFormat: Check = {
  accepts: (value) => typeIsOneOf(value, ['text', 'json_object', 'json_schema']),
  expected: 'an object of type "text", "json_object" or "json_schema"',
  code: 'unsupported_parameter',
}
const modalities: Check = {
  accepts: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((each) => each === 'text' || each === 'audio'),
  expected: '["text"], or ["text", "audio"]',
  code: 'unsupported_parameter',
}
const audioFormat = oneOf('wav', 'aac', 'mp3', 'flac', 'opus', 'pcm16')
const audio: Check = {
  accepts: (value) => {
    const { format, voice: spoken, ...others } = record(value) ?? {}
    return audioFormat.accepts(format) && voice.accepts(spoken) && Object.keys(others).length === 0
  },
  expected: `an object of a "format" (${audioFormat.expected}) and a "voice", the name of a built-in one`,
  code: 'unsupported_parameter',
}
const topLogprobs: Check = {
  accepts: (value) => value === 0 || (isPositiveInteger(value) && value <= 20),
  expected: 'an integer from 0 to 20',
}
const choicesMax = 8
const choices: Check = {
  accepts: (value) => isPositiveInteger(value) && value <= choicesMax,
  expected: `an integer from 1 to ${choicesMax}`,
}

/** Every field that is known, by name. */
export const chatParameters: ParameterTable = new Map([
  // The parser's own: read for the quote, written with what was granted.
  ['model', { policy: 'own', check: anything }],
  ['messages', { policy: 'own', check: anything }],
  ['tools', { policy: 'own', check: array }],
  ['functions', { policy: 'own', check: array }],
  ['n', { policy: 'own', check: choices }],
  ['max_completion_tokens', { policy: 'own', check: positiveInteger }],
  ['max_tokens', { policy: 'own', check: positiveInteger }],
  ['stream', { policy: 'own', check: boolean }],
  ['stream_options', { policy: 'own', check: object }],
  // All users share the operator's upstream account: who they are and whose cache it is, the gateway says.
  ['user', { policy: 'own', check: string }],
  ['safety_identifier', { policy: 'own', check: string }],
  ['prompt_cache_key', { policy: 'own', check: string }],

  // Free of price: they shape the answer within its cap.
  ['temperature', { policy: 'forward', check: number }],
  ['top_p', { policy: 'forward', check: number }],
  ['stop', { policy: 'forward', check: stringOrArray }],
  ['seed', { policy: 'forward', check: number }],
  ['presence_penalty', { policy: 'forward', check: number }],
  ['frequency_penalty', { policy: 'forward', check: number }],
  ['logit_bias', { policy: 'forward', check: object }],
  ['response_format', { policy: 'forward', check: responseFormat }],
  ['tool_choice', { policy: 'forward', check: toolChoice }],
  ['parallel_tool_calls', { policy: 'forward', check: boolean }],
  ['function_call', { policy: 'forward', check: stringOrObject }],
  ['reasoning_effort', { policy: 'forward', check: string }],
  ['verbosity', { policy: 'forward', check: string }],
  // Say how sure the model was of each token; they take none themselves.
  ['logprobs', { policy: 'forward', check: boolean }],
  ['top_logprobs', { policy: 'forward', check: topLogprobs }],

  // Sound in the answer; the parser asks for its price.
  ['modalities', { policy: 'forward', check: modalities }],
  ['audio', { policy: 'forward', check: audio }],

  // The tier that is priced is the tier that is charged; answers are kept nowhere.
  ['service_tier', { policy: 'own', check: string }],
  ['store', { policy: 'overwrite', check: boolean, text: 'false' }],
  // Labels of stored answers: with `store` false they label nothing, and OpenAI refuses them.
  ['metadata', { policy: 'drop' }],

  // No price row or no bound, or a way to get at something that is not the caller's.
  ['prediction', { policy: 'refuse', why: 'rejected predicted tokens are billed beyond the answer' }],
  ['web_search_options', { policy: 'refuse', why: 'searches are billed per call and have no price here' }],
  ['moderation', { policy: 'refuse', why: 'it calls another model, which has no price here' }],
  ['prompt_cache_options', { policy: 'refuse', why: 'longer cache lives have other prices' }],
  ['prompt_cache_retention', { policy: 'refuse', why: 'longer cache lives have other prices' }],
  ['best_of', { policy: 'refuse', why: 'answers that are thrown away are billed too; use "n"' }],
])

/** The fields that always go on with the gateway's own value. */
export const overwritten = overwrittenFields(chatParameters)
