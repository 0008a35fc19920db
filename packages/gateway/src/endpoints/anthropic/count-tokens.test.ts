import { describe, expect, test } from 'vitest'
import { noUsage } from '../../core/pricing.ts'
import { acceptedBy, forwardedText, refusedBy } from '../test-kit.ts'
import { countTokens } from './count-tokens.ts'
import { countTokensParameters } from './messages-parameters.ts'

const body = { model: 'claude', messages: [{ role: 'user', content: 'hello' }] }

test('the fields that the SDK knows have a row', () => {
  // The body fields of MessageCountTokensParams in @anthropic-ai/sdk 1.13.
  const sdkFields = 'messages model cache_control output_config speed system thinking tool_choice tools'
  for (const name of sdkFields.split(' ')) expect(countTokensParameters.has(name), name).toBe(true)
})

test('it is free, and goes on with nothing added', () => {
  const request = acceptedBy(countTokens, { ...body, system: 'Be brief.' })
  expect(request).toMatchObject({ free: true, stream: false, outputTokensAsked: 1 })
  expect(JSON.parse(forwardedText(request))).toEqual({ ...body, system: 'Be brief.', model: 'gpt-5-mini' })
})

test('it goes on in the version that was asked for', () => {
  const request = acceptedBy(countTokens, body, { headers: { 'anthropic-version': '2026-10-21' } })
  const { headers } = request.forward({ upstreamModel: 'm', outputTokensMax: 1, userHash: 'h' })
  expect(headers).toEqual({ 'anthropic-version': '2026-10-21' })
})

test.each(['max_tokens', 'stream', 'metadata', 'container', 'temperature'])('400: %s', (name) => {
  expect(refusedBy(countTokens, { ...body, [name]: 1 })).toMatchObject({
    code: 'unsupported_parameter',
    param: name,
  })
})

test('400: what a message could not hold either', () => {
  const file = { type: 'image', source: { type: 'file', file_id: 'f' } }
  expect(refusedBy(countTokens, { model: 'm', messages: [{ role: 'user', content: [file] }] }).param).toBe(
    'messages[0].content[0].source',
  )
})

describe('the answer', () => {
  test('uses nothing, and passes as it came', () => {
    const tap = countTokens.tap(acceptedBy(countTokens, body))
    expect(tap.usage()).toBeNull()
    expect(tap.body({ input_tokens: 12, context_management: null })).toBe(true)
    expect(tap.usage()).toEqual({ usage: noUsage, stage: 'final', invalid: false })
    const text = '{"input_tokens":12,"usage":{}}'
    expect(countTokens.withReceipt(text, { creditsCharged: 1, creditsAvailable: 2 })).toBe(text)
  })

  test.each([null, {}, [], { input_tokens: '12' }, { input_tokens: -1 }])('%j is none', (json) => {
    const tap = countTokens.tap(acceptedBy(countTokens, body))
    expect(tap.body(json)).toBe(false)
    expect(tap.usage()).toBeNull()
  })

  test('is no stream', () => {
    expect(countTokens.tap(acceptedBy(countTokens, body)).event('{}')).toBe('invalid')
  })
})
