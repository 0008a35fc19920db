import { describe, expect, test } from 'vitest'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { embeddingParameters, embeddings } from './embeddings.ts'

const base = { model: 'vector', input: 'Hi' }

const accepted = (body: unknown, choices: ParseChoices = {}) => acceptedBy(embeddings, body, choices)
const refused = (body: unknown, choices: ParseChoices = {}) => refusedBy(embeddings, body, choices)

test("the table has the fields of the SDK's EmbeddingCreateParams, and no others", () => {
  const keys = ['input', 'model', 'dimensions', 'encoding_format', 'user']
  expect([...embeddingParameters.keys()].sort()).toEqual(keys.sort())
})

describe('what is forwarded', () => {
  test('the text as it came, with only the changed fields replaced, and no cap', () => {
    const text = '{ "input": [ "é\\u00e9", "b" ],\n  "model" : "vector", "dimensions":256 }'
    expect(forwardedText(accepted(text), { userHash: 'u' })).toBe(
      '{ "input": [ "é\\u00e9", "b" ],\n  "model" : "gpt-5-mini", "dimensions":256,"user":"u" }',
    )
  })

  test('no field is added where the upstream refuses what it does not know', () => {
    expect(JSON.parse(forwardedText(accepted(base), { addFields: false }))).toEqual({
      ...base,
      model: 'gpt-5-mini',
    })
  })

  test.each([
    ['input', ['a', 'b']],
    ['input', [15496, 11]],
    ['input', [[15496], [11, 0]]],
    ['dimensions', 1],
    ['encoding_format', 'float'],
    ['encoding_format', 'base64'],
    ['encoding_format', null],
  ])('%s %j as it came', (name, value) => {
    const sent = JSON.parse(forwardedText(accepted({ ...base, [name]: value })))
    expect(sent).toEqual({ ...base, model: 'gpt-5-mini', user: 'hash', [name]: value })
  })

  test('whoever the caller says it is', () => {
    expect(JSON.parse(forwardedText(accepted({ ...base, user: 'someone' }))).user).toBe('hash')
  })
})

describe('what is refused', () => {
  test.each([
    ['input', undefined, 'input'],
    ['input', null, 'input'],
    ['input', '', 'input'],
    ['input', [], 'input'],
    ['input', {}, 'input'],
    ['input', ['a', ''], 'input[1]'],
    ['input', ['a', 1], 'input[1]'],
    ['input', [[1], []], 'input[1]'],
    ['input', [[1], [-1]], 'input[1]'],
    ['input', [[1], [0.5]], 'input[1]'],
    ['input', [1, -1], 'input[0]'],
    ['input', Array.from({ length: 2049 }, () => 'a'), 'input'],
    ['model', '', 'model'],
    ['dimensions', 0, 'dimensions'],
    ['user', 1, 'user'],
  ])('400: %s %j with invalid_value that names it', (name, value, param) => {
    expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'invalid_value', param })
  })

  test.each([
    ['encoding_format', 'binary'],
    ['input_type', 'query'],
    ['stream', true],
    ['max_tokens', 5],
  ])('400: %s %j with unsupported_parameter that names it', (name, value) => {
    expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'unsupported_parameter', param: name })
  })

  test('unknown fields go on where the operator allows them, or are dropped and named', () => {
    const body = { ...base, input_type: 'query' }
    const allowed = accepted(body, { allowParameters: () => ['input_type'] })
    expect(JSON.parse(forwardedText(allowed))).toMatchObject({ input_type: 'query' })
    const dropped = accepted(body, { unknownParameters: 'drop' })
    expect(JSON.parse(forwardedText(dropped))).not.toHaveProperty('input_type')
    expect(dropped.dropped).toEqual(['input_type'])
  })
})

describe('what the quote needs', () => {
  test('no output, and one item for each input', () => {
    expect(accepted(base)).toMatchObject({ outputTokensAsked: 0, outputFixed: true, choices: 1, items: 1 })
    expect(accepted({ ...base, input: [1, 2, 3] }).items).toBe(1)
    expect(accepted({ ...base, input: [[1], [2]] }).items).toBe(2)
    expect(accepted({ ...base, input: Array.from({ length: 2048 }, () => 'a') }).items).toBe(2048)
  })

  test('text that a tokenizer makes longer before it counts', () => {
    expect(accepted({ ...base, input: 'Grüße' }).addedTokensMax).toBe(0)
    expect(accepted({ ...base, input: ['a', '\ufdfa'] }).addedTokensMax).toBe(30)
  })
})

describe('the tap', () => {
  const read = (answer: unknown) => {
    const tap = embeddings.tap(accepted(base))
    const taken = tap.body(answer)
    return { taken, usage: tap.usage(), started: tap.started(), seen: tap.outputTokensSeen() }
  }
  const data = [{ object: 'embedding', index: 0, embedding: [0.1] }]
  const usage = (inputTokens: number) => ({
    inputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
  })

  test('all tokens are input, and final', () => {
    expect(read({ data, usage: { prompt_tokens: 8, total_tokens: 8 } })).toEqual({
      taken: true,
      usage: { usage: usage(8), stage: 'final', invalid: false },
      started: true,
      seen: 0,
    })
  })

  test.each([
    [{ prompt_tokens: 8 }, 8, false],
    [{ prompt_tokens: 8, total_tokens: 9 }, 9, false],
    [{ prompt_tokens: 0, total_tokens: 0 }, 0, true],
    [{ prompt_tokens: -1 }, 0, true],
    [{ prompt_tokens: 1.5 }, 2, true],
    [{ total_tokens: 8 }, 8, true],
    [{ prompt_tokens: '8' }, 0, true],
    [{ prompt_tokens: 1e15 }, 1e9, true],
  ])('usage %j is %j, and a lie: %j', (given, inputTokens, invalid) => {
    expect(read({ data, usage: given }).usage).toEqual({ usage: usage(inputTokens), stage: 'final', invalid })
  })

  test('an answer without usage has none, and what is no answer is not taken', () => {
    expect(read({ data })).toMatchObject({ taken: true, usage: null })
    for (const each of [null, [], {}, { error: {} }, { data: {} }]) expect(read(each).taken).toBe(false)
  })
})
