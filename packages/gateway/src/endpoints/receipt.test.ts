import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { insertReceipt } from './receipt.ts'

const receipt = { creditsCharged: 0.000125, creditsAvailable: 49.5 }
const printed = '"faregate":{"creditsCharged":0.000125,"creditsAvailable":49.5}'

describe('insertReceipt', () => {
  test.each([
    [
      'at the end',
      '{"id":"a","usage":{"prompt_tokens":1}}',
      `{"id":"a","usage":{"prompt_tokens":1,${printed}}}`,
    ],
    ['in the middle', '{"usage":{"a":{"b":[1]}},"id":"a"}', `{"usage":{"a":{"b":[1]},${printed}},"id":"a"}`],
    ['spaced out', '{ "usage" : {\n "a": 1\n} }', `{ "usage" : {\n "a": 1\n,${printed}} }`],
    ['empty', '{"usage":{ }}', `{"usage":{ ${printed}}}`],
    [
      'after one deeper',
      '{"x":{"usage":{"a":1}},"usage":{"b":1}}',
      `{"x":{"usage":{"a":1}},"usage":{"b":1,${printed}}}`,
    ],
    ['given twice', '{"usage":{"a":1},"usage":{"b":1}}', `{"usage":{"a":1},"usage":{"b":1,${printed}}}`],
    [
      'after look-alikes',
      '{"a":"\\"usage\\":{","b":"usage","usage":{"c":"}\\\\"}}',
      `{"a":"\\"usage\\":{","b":"usage","usage":{"c":"}\\\\",${printed}}}`,
    ],
  ])('usage %s', (_name, text, expected) => {
    expect(insertReceipt(text, receipt)).toBe(expected)
  })

  test.each([
    '{"id":"a"}',
    '{"usage":null}',
    '{"usage":[{}]}',
    '{"usage":"{}"}',
    '{"choices":[{"usage":{"a":1}}]}',
    '{"usage":{"a":1},"usage":null}',
    '{"x":"usage"}',
    '[{"usage":{}}]',
    '[DONE]',
    '',
  ])('%s stays as it is', (text) => {
    expect(insertReceipt(text, receipt)).toBe(text)
  })

  test('in any JSON the receipt is all that is new', () => {
    const key = fc.oneof(fc.constantFrom('usage', 'a', 'b:', '{'), fc.string())
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('usage', '"usage":{', '\\', 1, null),
        fc.string(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).value
    const answer = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true })
    const usages = fc.option(fc.dictionary(key, value, { noNullPrototype: true }))
    fc.assert(
      fc.property(answer, usages, fc.constantFrom(undefined, 1), (rest, usage, space) => {
        const text = JSON.stringify({ ...rest, usage }, null, space)
        const out = insertReceipt(text, receipt)
        expect(out.replace(`,${printed}`, '').replace(printed, '')).toBe(text)
        expect(JSON.parse(out).usage?.faregate).toEqual(usage === null ? undefined : receipt)
      }),
      { numRuns: 2000 },
    )
  })
})
