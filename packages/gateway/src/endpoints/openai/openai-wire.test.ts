import { expect, test } from 'vitest'
import { refusal } from '../../core/refusal.ts'
import { openAiError } from './openai-wire.ts'

test('a refusal has the shape of OpenAI errors', () => {
  expect(openAiError(refusal('unsupported_parameter', 'No audio.', { param: 'audio' }))).toEqual({
    error: {
      message: 'No audio.',
      type: 'invalid_request_error',
      param: 'audio',
      code: 'unsupported_parameter',
    },
  })
  expect(openAiError(refusal('insufficient_credits', 'Empty.'))).toEqual({
    error: { message: 'Empty.', type: 'insufficient_quota', param: null, code: 'insufficient_credits' },
  })
})
