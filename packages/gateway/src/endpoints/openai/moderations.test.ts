import { describe, expect, test } from 'vitest'
import { acceptedBy, forwardedText, modelOf, type ParseChoices, refusedBy } from '../test-kit.ts'
import { moderationParameters, moderations } from './moderations.ts'

const free: ParseChoices = { price: { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 } }
const accepted = (body: unknown, choices: ParseChoices = {}) =>
  acceptedBy(moderations, body, { ...free, ...choices })
const refused = (body: unknown, choices: ParseChoices = {}) =>
  refusedBy(moderations, body, { ...free, ...choices })

const picture = `data:image/png;base64,${'A'.repeat(1000)}`
const part = (url: string) => ({ type: 'image_url', image_url: { url } })

test("the table has the fields of the SDK's ModerationCreateParams, and no others", () => {
  expect([...moderationParameters.keys()].sort()).toEqual(['input', 'model'])
})

describe('what is forwarded', () => {
  test('the text as it came, with the model that it means', () => {
    expect(forwardedText(accepted('{ "input": "é\\u00e9" }'))).toBe(
      '{ "input": "é\\u00e9","model":"gpt-5-mini" }',
    )
    expect(forwardedText(accepted('{"model":"mod", "input":["a"]}'))).toBe(
      '{"model":"gpt-5-mini", "input":["a"]}',
    )
  })

  test('a request that names no model means the newest of OpenAI', () => {
    expect(accepted({ input: 'a' }).model).toBe('omni-moderation-latest')
    expect(accepted({ model: null, input: 'a' }).model).toBe('omni-moderation-latest')
    expect(accepted({ model: 'mod', input: 'a' }).model).toBe('mod')
  })

  test('parts, and pictures from elsewhere only where the operator allows that', () => {
    const input = [{ type: 'text', text: 'a' }, part(picture), 'b']
    expect(JSON.parse(forwardedText(accepted({ input }))).input).toEqual(input)
    const media = { ...modelOf().media, remote: true }
    const remote = { input: [part('https://example.com/a.png')] }
    expect(JSON.parse(forwardedText(accepted(remote, { model: { media } }))).input).toEqual(remote.input)
  })
})

describe('what is refused', () => {
  test.each([
    [undefined, 'input'],
    [[], 'input'],
    [{}, 'input'],
    [Array.from({ length: 2049 }, () => 'a'), 'input'],
    [[1], 'input[0]'],
    [[{ type: 'input_audio' }], 'input[0]'],
    [['a', { type: 'text' }], 'input[1].text'],
    [[{ type: 'image_url' }], 'input[0].image_url.url'],
    [[{ type: 'image_url', image_url: { url: 1 } }], 'input[0].image_url.url'],
  ])('400: input %j with invalid_value that names it', (input, param) => {
    expect(refused({ input })).toMatchObject({ code: 'invalid_value', param })
  })

  test.each([
    [[part('https://example.com/a.png')], 'input[0].image_url.url'],
    [[part('file-abc')], 'input[0].image_url.url'],
    [[part('data:text/plain;base64,AAAA')], 'input[0].image_url.url'],
    [[{ type: 'text', text: 'a', file_id: 'file-abc' }], 'input[0].file_id'],
    [[{ type: 'image_url', image_url: { url: picture, detail: 'high' } }], 'input[0].detail'],
  ])('400: input %j with unsupported_parameter that names it', (input, param) => {
    expect(refused({ input })).toMatchObject({ code: 'unsupported_parameter', param })
  })

  test('400: a model that is sold by the token, saying how else', () => {
    for (const price of [{ input: 1 }, { output: 1 }, { cacheWrite: 1 }]) {
      const refusal = refused({ input: 'a' }, { price: { ...free.price, ...price } })
      expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: 'model' })
      expect(refusal.message).toContain('creditsPerRequest')
    }
    expect(accepted({ input: 'a' }, { price: { ...free.price, perRequest: 5 } }).outputTokensAsked).toBe(0)
  })

  test('400: an unknown field, by name', () => {
    expect(refused({ input: 'a', user: 'x' })).toMatchObject({ code: 'unsupported_parameter', param: 'user' })
  })
})

test('pictures are not counted as text', () => {
  const without = accepted({ input: [part('data:image/png;base64,')] }).forwardedBytesMax
  expect(accepted({ input: [part(picture)] }).forwardedBytesMax).toBe(without)
})

test('a whole answer is final without usage; what is no answer is not taken', () => {
  const tap = moderations.tap(accepted({ input: 'a' }))
  expect([tap.usage(), tap.started()]).toEqual([null, false])
  expect(tap.body({ results: [{ flagged: false }] })).toBe(true)
  expect(tap.usage()).toMatchObject({ usage: { inputTokens: 0 }, stage: 'final', invalid: false })
  for (const each of [null, {}, { error: {} }]) {
    const other = moderations.tap(accepted({ input: 'a' }))
    expect([other.body(each), other.usage()]).toEqual([false, null])
  }
})
