import { describe, expect, test } from 'vitest'
import { decodeUtf8, replaceFields, type ScannedObject, scanJsonObject } from './json-scan.ts'

function scanned(text: string): ScannedObject {
  const result = scanJsonObject(text)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

describe('decodeUtf8', () => {
  test('decodes UTF-8', () => {
    expect(decodeUtf8(new TextEncoder().encode('{"a":"👋é"}'))).toEqual({ ok: true, value: '{"a":"👋é"}' })
  })

  test.each([
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
    ['a stray continuation byte', [0x7b, 0x80, 0x7d]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a cut character', [0x7b, 0xe6, 0xbc]],
  ])('refuses %s with 400 invalid_json', (_name, bytes) => {
    expect(decodeUtf8(new Uint8Array(bytes))).toMatchObject({ ok: false, error: { code: 'invalid_json' } })
  })
})

describe('scanJsonObject', () => {
  test('finds the top-level fields and counts the bytes', () => {
    const text = ' { "a" : 1 , "\\u0062":{"a":[1e3, "é👋漢"]} } '
    const scan = scanned(text)
    expect([...scan.spans.keys()]).toEqual(['a', 'b'])
    const span = scan.spans.get('b')
    expect(text.slice(span?.keyStart, span?.valueEnd)).toBe('"\\u0062":{"a":[1e3, "é👋漢"]}')
    expect(text.slice(span?.valueStart, span?.valueEnd)).toBe('{"a":[1e3, "é👋漢"]}')
    expect(scan.bytes).toBe(new TextEncoder().encode(text).length)
    expect(scan.exponents).toBe(1)
    expect(scan.value).toEqual({ a: 1, b: { a: [1000, 'é👋漢'] } })
  })

  const deep = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`

  test('takes 64 levels, the largest safe integers, pairs of surrogates and every escape', () => {
    scanned(deep(64))
    scanned('{"a":[9007199254740991,-9007199254740991,1e15,0.1e-400,-0,1.5E+2,0]}')
    scanned('{"a":"\\ud83d\\udc4b\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9"}')
    scanned(`{"a":{${Array.from({ length: 20 }, (_, index) => `"k${index}":0`).join()}}}`)
  })

  test('tells keys apart that differ in their escapes', () => {
    expect([...scanned('{"\\"":1,"\\\\":2,"\\u0061":3,"\\\\u0061":4}').spans.keys()]).toEqual([
      '"',
      '\\',
      'a',
      '\\u0061',
    ])
  })

  test.each([
    ['nothing', '', 'expected an object'],
    ['an array', '[]', 'expected an object'],
    ['a string', '"a"', 'expected an object'],
    ['a byte order mark', '\ufeff{}', 'expected an object'],
    ['text after the object', '{} x', 'after the object at character 4'],
    ['two objects', '{}{}', 'after the object at character 3'],
    ['a comma too many', '{"a":1,}', 'expected a key in double quotes at character 8'],
    ['a comma too many in an array', '{"a":[1,]}', 'expected a value at character 9'],
    ['single quotes', "{'a':1}", 'expected a key'],
    ['a missing colon', '{"a" 1}', 'expected a colon'],
    ['a missing comma', '{"a":1 "b":2}', 'expected a comma'],
    ['an object that does not end', '{"a":1', 'expected a comma or the end of the object'],
    ['a missing value', '{"a":', 'ends too early'],
    ['an open string', '{"a":"b', 'ends inside a string'],
    ['an open escape', '{"a":"b\\', 'an escape that JSON does not know'],
    ['an unknown escape', '{"a":"\\x41"}', 'an escape that JSON does not know at character 7'],
    ['a raw line break in a string', '{"a":"\n"}', 'a control character'],
    ['NaN', '{"a":NaN}', 'expected a value'],
    ['a cut word', '{"a":tru}', 'expected a value'],
    ['a leading zero', '{"a":01}', 'expected a value'],
    ['a lone minus', '{"a":-}', 'expected a value'],
    ['a lone point', '{"a":1.}', 'expected a digit'],
    ['a lone exponent', '{"a":1e}', 'expected a digit'],
    ['a plus sign', '{"a":+1}', 'expected a value'],
    ['a comment', '{/**/"a":1}', 'expected a key'],
    ['a no-break space', '{\u00a0"a":1}', 'expected a key'],
    ['a key given twice', '{"model":"a","model":"b"}', 'the key "model" is given twice at character 14'],
    ['a key given twice, once escaped', '{"model":1,"m\\u006fdel":2}', 'the key "model" is given twice'],
    ['a key given twice deep inside', '{"a":[{"b":1,"b":2}]}', 'the key "b" is given twice'],
    ['a key given twice among many', `{${'abcdefghij'.replace(/./g, '"$&":1,')}"c":1}`, '"c" is given twice'],
    ['__proto__', '{"__proto__":{}}', '"__proto__" is not allowed'],
    ['__proto__ escaped and deep inside', '{"a":{"\\u005f_proto__":1}}', '"__proto__" is not allowed'],
    ['65 levels', deep(65), 'nesting deeper than 64'],
    ['65 levels of objects', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 'nesting deeper than 64'],
    ['a million levels', `{"a":${'['.repeat(1_000_000)}`, 'nesting deeper than 64'],
    ['an infinite number', '{"a":1e400}', 'not finite at character 6'],
    ['an integer beyond 2^53-1', '{"a":9007199254740992}', 'beyond ±(2^53-1)'],
    ['an integer below -(2^53-1)', '{"a":-9007199254740992}', 'beyond ±(2^53-1)'],
    ['a large integer with an exponent', '{"a":1e300}', 'beyond ±(2^53-1)'],
    ['a large integer with a point', '{"a":9007199254740993.0}', 'beyond ±(2^53-1)'],
    ['a lone high surrogate', '{"a":"\\ud83d"}', 'half a surrogate pair'],
    ['a lone low surrogate', '{"a":"\\udc4b\\ud83d"}', 'half a surrogate pair'],
    ['a lone surrogate as a key', '{"\\ud83d":1}', 'half a surrogate pair'],
    ['a raw lone surrogate', '{"a":"\ud83d"}', 'half a surrogate pair'],
  ])('refuses %s with 400 invalid_json', (_name, text, message) => {
    const result = scanJsonObject(text)
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_json' } })
    expect(!result.ok && result.error.message).toContain(message)
  })
})

describe('replaceFields', () => {
  const text = '{ "a" : 1, "b":"two" ,\n"c": [3] }'

  test.each([
    ['nothing', {}, text],
    ['one replaced', { b: '2' }, '{ "a" : 1, "b":2 ,\n"c": [3] }'],
    ['the first removed', { a: undefined }, '{ "b":"two" ,\n"c": [3] }'],
    ['the middle removed', { b: undefined }, '{ "a" : 1 ,\n"c": [3] }'],
    ['the last removed', { c: undefined }, '{ "a" : 1, "b":"two" }'],
    ['the first two removed', { a: undefined, b: undefined }, '{ "c": [3] }'],
    ['the last two removed', { b: undefined, c: undefined }, '{ "a" : 1 }'],
    ['all removed', { a: undefined, b: undefined, c: undefined }, '{  }'],
    ['all removed, one added', { a: undefined, b: undefined, c: undefined, d: '4' }, '{ "d":4 }'],
    ['one added', { d: '4' }, '{ "a" : 1, "b":"two" ,\n"c": [3],"d":4 }'],
    ['the last removed, one added', { c: undefined, d: '4' }, '{ "a" : 1, "b":"two","d":4 }'],
    ['the absent removed', { x: undefined }, text],
    ['replaced before removed', { a: '0', b: undefined }, '{ "a" : 0 ,\n"c": [3] }'],
  ])('%s', (_name, changes, expected) => {
    expect(replaceFields(scanned(text), changes)).toBe(expected)
  })

  test('adds to an empty object', () => {
    expect(replaceFields(scanned(' {} '), { a: '1', b: '2' })).toBe(' {"a":1,"b":2} ')
    expect(replaceFields(scanned('{ }'), { a: '1' })).toBe('{"a":1 }')
  })

  test('names of Object.prototype are names like others', () => {
    expect(replaceFields(scanned('{"toString":1,"constructor":2}'), { constructor: undefined })).toBe(
      '{"toString":1}',
    )
  })
})
