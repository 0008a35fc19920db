import { expect, test } from 'vitest'
import { refusal } from '../../core/refusal.ts'
import { geminiError, geminiWire } from './gemini-wire.ts'

test('a refusal has its status, Google’s name for it, and its own code in the details', () => {
  const refused = refusal('unsupported_parameter', 'No.', { param: 'cachedContent' })
  expect(geminiError(refused)).toEqual({
    error: {
      code: 400,
      message: 'No.',
      status: 'INVALID_ARGUMENT',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'unsupported_parameter',
          domain: 'faregate',
          metadata: { param: 'cachedContent' },
        },
      ],
    },
  })
})

test.each([
  ['token_expired', 401, 'UNAUTHENTICATED'],
  ['insufficient_credits', 402, 'FAILED_PRECONDITION'],
  ['blocked', 403, 'PERMISSION_DENIED'],
  ['model_not_found', 404, 'NOT_FOUND'],
  ['request_timeout', 408, 'DEADLINE_EXCEEDED'],
  ['idempotency_conflict', 409, 'ABORTED'],
  ['request_too_large', 413, 'INVALID_ARGUMENT'],
  ['rate_limited', 429, 'RESOURCE_EXHAUSTED'],
  ['internal_error', 500, 'INTERNAL'],
  ['upstream_unavailable', 502, 'UNAVAILABLE'],
  ['store_unavailable', 503, 'UNAVAILABLE'],
  ['upstream_timeout', 504, 'DEADLINE_EXCEEDED'],
] as const)('%s is %d %s', (code, status, name) => {
  expect(geminiError(refusal(code, 'No.')).error).toMatchObject({ code: status, status: name })
})

test('when to come back is told as Google tells it', () => {
  const { details } = geminiError(refusal('rate_limited', 'Later.', { retryAfterMs: 1200 })).error
  expect(details).toContainEqual({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2s' })
})

test.each([
  ['FAILED_PRECONDITION', 'FAILED_PRECONDITION'],
  ['invalid_request_error', 'INVALID_ARGUMENT'],
])('the provider’s own refusal of type %s keeps its status and message', (type, status) => {
  const body = geminiWire.rejection(400, { message: 'Bad.', type, param: null, code: null })
  expect(body).toEqual({ error: { code: 400, message: 'Bad.', status } })
})

test('an error in a stream is one event with the same body', () => {
  const refused = refusal('upstream_error', 'It broke.')
  expect(geminiWire.errorEvent(refused)).toBe(`data: ${JSON.stringify(geminiError(refused))}\n\n`)
  expect(geminiWire.comments).toBe(false)
})
