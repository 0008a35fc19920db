import { expect, test } from 'vitest'
import { type RefusalCode, refusal } from '../../core/refusal.ts'
import { anthropicError, anthropicWire } from './anthropic-wire.ts'

test.each<[RefusalCode, string]>([
  ['invalid_json', 'invalid_request_error'],
  ['unsupported_parameter', 'invalid_request_error'],
  ['token_expired', 'authentication_error'],
  ['insufficient_credits', 'billing_error'],
  ['account_in_debt', 'billing_error'],
  ['model_not_in_plan', 'permission_error'],
  ['model_not_found', 'not_found_error'],
  ['request_timeout', 'timeout_error'],
  ['idempotency_conflict', 'conflict_error'],
  ['request_too_large', 'request_too_large'],
  ['headers_too_large', 'invalid_request_error'],
  ['rate_limited', 'rate_limit_error'],
  ['internal_error', 'api_error'],
  ['upstream_error', 'api_error'],
  ['store_unavailable', 'api_error'],
  ['overloaded', 'overloaded_error'],
  ['upstream_timeout', 'timeout_error'],
])('%s is of type %s', (code, type) => {
  expect(anthropicError(refusal(code, 'No.'))).toEqual({
    type: 'error',
    error: { type, message: 'No.', details: { error_code: code } },
  })
})

test('the details name the field', () => {
  const refused = refusal('invalid_value', 'No.', { param: 'max_tokens' })
  expect(anthropicError(refused).error.details).toEqual({ error_code: 'invalid_value', param: 'max_tokens' })
})

test("the provider's own refusal keeps its type, and its code where it has one", () => {
  const error = { message: 'No.', type: 'invalid_request_error', param: null, code: null }
  expect(anthropicWire.rejection(400, error)).toEqual({
    type: 'error',
    error: { type: 'invalid_request_error', message: 'No.' },
  })
  expect(anthropicWire.rejection(400, { ...error, code: 'image_dimensions_too_large' })).toEqual({
    type: 'error',
    error: {
      type: 'invalid_request_error',
      message: 'No.',
      details: { error_code: 'image_dimensions_too_large' },
    },
  })
})

test('an error in a stream is an event of that name', () => {
  const refused = refusal('upstream_error', 'It broke.')
  expect(anthropicWire.errorEvent(refused)).toBe(
    `event: error\ndata: ${JSON.stringify(anthropicError(refused))}\n\n`,
  )
})
