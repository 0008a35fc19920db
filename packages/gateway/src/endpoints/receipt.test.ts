import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { insertReceipt, removeUsage } from './receipt.ts'

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

  test.each([
    [
      'inside the answer',
      '{"type":"a","response":{"id":"b","usage":{"a":1}},"n":1}',
      `{"type":"a","response":{"id":"b","usage":{"a":1,${printed}}},"n":1}`,
    ],
    ['at the top', '{"id":"b","usage":{"a":{}}}', `{"id":"b","usage":{"a":{},${printed}}}`],
    [
      'inside, where it is in both',
      '{"usage":{"a":1},"response":{"usage":{}}}',
      `{"usage":{"a":1},"response":{"usage":{${printed}}}}`,
    ],
    [
      'at the top, where the other is none',
      '{"response":{"usage":null,"x":{"usage":{}}},"usage":{}}',
      `{"response":{"usage":null,"x":{"usage":{}}},"usage":{${printed}}}`,
    ],
    [
      'inside the last of two',
      '{"response":{"usage":{"a":1}},"response":{"usage":{"b":1}}}',
      `{"response":{"usage":{"a":1}},"response":{"usage":{"b":1,${printed}}}}`,
    ],
    [
      'nowhere',
      '{"response":[{"usage":{}}],"x":{"usage":{}}}',
      '{"response":[{"usage":{}}],"x":{"usage":{}}}',
    ],
  ])('usage %s, where two paths may lead to it', (_name, text, expected) => {
    expect(insertReceipt(text, receipt, [['response', 'usage'], ['usage']])).toBe(expected)
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

test.each([
  ['{"usage":{"a":{"b":1}},"x":1.0}', '{"usage":null,"x":1.0}'],
  ['{ "x":{"usage":{"a":1}}, "usage" : { } }', '{ "x":{"usage":{"a":1}}, "usage" : null }'],
  ['{"usage":{"a":1},"usage":{"a":"}"}}', '{"usage":{"a":1},"usage":null}'],
  ['{"usage":null}', '{"usage":null}'],
  ['{"choices":[{"usage":{}}]}', '{"choices":[{"usage":{}}]}'],
])('usage is taken out of %s', (text, expected) => {
  expect(removeUsage(text)).toBe(expected)
})
