import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceFields, scanJsonObject } from './json-scan.ts'

const anyKey = fc.oneof(
  fc.constantFrom('a', 'b', 'model', 'n', '1', 'é', '\n', ''),
  fc.string({ unit: 'grapheme' }),
)
// Node 24.21's JSON.parse may read the key "\"" as "\\" (Bun and workerd do not), so quotes stay out of keys here.
const cleanKey = anyKey.filter((each) => each !== '__proto__' && !/["\\]/.test(each))
const leaf = fc.oneof(
  fc.constantFrom(null, true, false),
  fc.string({ unit: 'grapheme' }),
  fc.maxSafeInteger(),
  fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e15, max: 1e15 }),
)
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(cleanKey, tie('json'), { maxKeys: 12, noNullPrototype: true }),
  ),
}))
const object = fc.dictionary(cleanKey, json, { maxKeys: 12, noNullPrototype: true })
const spacing = fc.constantFrom(undefined, 1, '\t', ' \r\n')

/** Writes non-ASCII characters as escapes, the way Python's json does by default. */
function asciiOnly(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

test('accepts every JSON object without duplicates and reads it as JSON.parse does', () => {
  fc.assert(
    fc.property(object, spacing, fc.boolean(), (value, space, escape) => {
      const printed = JSON.stringify(value, null, space)
      const text = escape && space === undefined ? asciiOnly(printed) : printed
      const scan = scanJsonObject(text)
      if (!scan.ok) throw new Error(`${scan.error.message} ${text}`)
      expect(scan.value.value).toEqual(JSON.parse(text))
      expect(scan.value.bytes).toBe(new TextEncoder().encode(text).length)
      for (const [name, { keyStart, valueStart, valueEnd }] of scan.value.spans) {
        expect(JSON.parse(`{${text.slice(keyStart, valueEnd)}}`)).toEqual({ [name]: scan.value.value[name] })
        expect(JSON.parse(text.slice(valueStart, valueEnd))).toEqual(scan.value.value[name])
      }
    }),
    { numRuns: 700 },
  )
}, 30_000)

test('a text with any mutation is refused, or is JSON and reads as JSON.parse does', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e9',
      ' ',
      '\n',
      'null',
      '"a":1,',
    ),
    fc.constantFrom('\\u', '\\ud83d', '\\udc4b', '\ud83d', '__proto__', '\u0000', '\ufeff', '99999999', 'é'),
    fc.string({ maxLength: 3 }),
  )
  const mutation = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(3), piece })
  let accepted = 0
  fc.assert(
    fc.property(object, fc.array(mutation, { minLength: 1, maxLength: 3 }), (value, mutations) => {
      let text = JSON.stringify(value)
      for (const { at, cut, piece: inserted } of mutations) {
        const from = Math.floor(at * text.length)
        text = text.slice(0, from) + inserted + text.slice(from + cut)
      }
      const scan = scanJsonObject(text)
      if (!scan.ok) {
        expect(scan.error.code).toBe('invalid_json')
        return
      }
      accepted += 1
      expect(scan.value.value).toEqual(JSON.parse(text))
      expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe(text)
    }),
    { numRuns: 3000 },
  )
  expect(accepted).toBeGreaterThan(20)
}, 30_000)

test('replacing fields gives the changed object and leaves every other field as it was written', () => {
  const change = fc.option(json, { nil: undefined })
  const changed = fc.dictionary(cleanKey, change, { maxKeys: 6, noNullPrototype: true })
  fc.assert(
    fc.property(object, changed, fc.array(fc.nat(12)), spacing, (value, others, picks, space) => {
      const names = Object.keys(value)
      const wanted: Record<string, unknown> = { ...others }
      for (const pick of picks) {
        const name = names[pick]
        if (name !== undefined) wanted[name] = pick % 2 === 0 ? undefined : pick
      }
      const text = JSON.stringify(value, null, space)
      const before = scanJsonObject(text)
      if (!before.ok) throw new Error(before.error.message)
      const changes: Record<string, string | undefined> = {}
      for (const name of Object.keys(wanted)) {
        const next = wanted[name]
        changes[name] = next === undefined ? undefined : JSON.stringify(next)
      }
      const after = scanJsonObject(replaceFields(before.value, changes))
      if (!after.ok) throw new Error(after.error.message)
      // Printed and read again, since JSON knows no negative zero.
      expect(after.value.value).toEqual(JSON.parse(JSON.stringify({ ...value, ...wanted })))
      for (const [name, span] of before.value.spans) {
        if (Object.hasOwn(changes, name)) continue
        const same = after.value.spans.get(name)
        expect(after.value.text.slice(same?.keyStart, same?.valueEnd)).toBe(
          text.slice(span.keyStart, span.valueEnd),
        )
      }
    }),
    { numRuns: 700 },
  )
}, 30_000)
