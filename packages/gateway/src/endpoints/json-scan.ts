/**
 * The one strict scan of a request's body. JSON.parse alone is not enough at an edge that charges money: it
 * keeps the last of two equal keys, where the provider may read the first, and rounds what it cannot hold.
 * The scan refuses every text that two readers could understand differently, finds where the top-level fields
 * stand, and lets them be replaced without touching any other byte.
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'

/** Where a top-level field stands in the text: its key's opening quote, its value's first character, and its end. */
export type FieldSpan = { keyStart: number; valueStart: number; valueEnd: number }

/** A JSON object that was scanned: the text as it came, its value, and the places of its top-level fields. */
export type ScannedObject = {
  text: string
  value: Record<string, unknown>
  spans: Map<string, FieldSpan>
  /** UTF-8 bytes of the text. */
  bytes: number
  /** Numbers written with an exponent: a provider may print these longer than they came (`1e9`). */
  exponents: number
}

const depthMax = 64
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Scan = {
  text: string
  at: number
  /** UTF-8 bytes beyond one for each UTF-16 unit. */
  extraBytes: number
  exponents: number
  spans: Map<string, FieldSpan>
  fault: Refusal | null
}

/** Decodes a body strictly; 400 `invalid_json` for bytes that are not UTF-8 or start with a byte order mark. */
export function decodeUtf8(bytes: Uint8Array): Result<string, Refusal> {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return err(
      refusal('invalid_json', 'The body starts with a byte order mark. Send plain UTF-8 without it.'),
    )
  }
  try {
    return ok(utf8.decode(bytes))
  } catch {
    return err(refusal('invalid_json', 'The body is not valid UTF-8.'))
  }
}

/**
 * Scans one JSON object. Refuses with 400 `invalid_json`, saying where: what is not JSON or not an object, a key
 * given twice (compared unescaped, at any depth), the key `__proto__`, nesting over 64, numbers that are not
 * finite, integers beyond ±(2⁵³−1) however written, and halves of surrogate pairs. Linear in the text.
 */
export function scanJsonObject(text: string): Result<ScannedObject, Refusal> {
  const scan: Scan = { text, at: 0, extraBytes: 0, exponents: 0, spans: new Map(), fault: null }
  skipSpace(scan)
  if (text.charCodeAt(scan.at) !== 0x7b) return err(faultAt(scan.at, 'expected an object, `{…}`,'))
  if (!scanObject(scan, 1)) return err(scan.fault ?? faultAt(scan.at, 'unexpected character'))
  skipSpace(scan)
  if (scan.at < text.length) return err(faultAt(scan.at, 'unexpected text after the object'))
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    const bytes = text.length + scan.extraBytes
    return ok({ text, value, spans: scan.spans, bytes, exponents: scan.exponents })
  } catch {
    return err(faultAt(0, 'unreadable text'))
  }
}

/**
 * The scanned text with some top-level fields replaced by JSON text, removed (`undefined`) or, where absent,
 * appended; every other byte as it was.
 */
export function replaceFields(scanned: ScannedObject, changes: Record<string, string | undefined>): string {
  const { text, spans } = scanned
  let out = ''
  let copied = 0
  let kept = 0
  let previousEnd = 0
  for (const [key, span] of spans) {
    const changed = Object.hasOwn(changes, key)
    const value = changes[key]
    if (changed && value === undefined) {
      // A removed field takes the comma before it along; the first kept one below drops the comma that is left.
      out += text.slice(copied, previousEnd === 0 ? span.keyStart : previousEnd)
      copied = span.valueEnd
    } else {
      if (kept === 0 && previousEnd > 0) copied = span.keyStart
      kept += 1
      if (changed) {
        out += text.slice(copied, span.valueStart) + value
        copied = span.valueEnd
      }
    }
    previousEnd = span.valueEnd
  }
  if (previousEnd === 0) previousEnd = text.indexOf('{') + 1
  out += text.slice(copied, previousEnd)
  for (const key of Object.keys(changes)) {
    const value = changes[key]
    if (value === undefined || spans.has(key)) continue
    out += `${kept === 0 ? '' : ','}${JSON.stringify(key)}:${value}`
    kept += 1
  }
  return out + text.slice(previousEnd)
}

function scanValue(scan: Scan, depth: number): boolean {
  const code = scan.text.charCodeAt(scan.at)
  if (code === 0x22) return scanString(scan) !== null
  if (code === 0x7b) return scanObject(scan, depth)
  if (code === 0x5b) return scanArray(scan, depth)
  if (code === 0x74) return scanWord(scan, 'true')
  if (code === 0x66) return scanWord(scan, 'false')
  if (code === 0x6e) return scanWord(scan, 'null')
  return scanNumber(scan)
}

/** Expects `scan.at` on the brace. */
function scanObject(scan: Scan, depth: number): boolean {
  if (depth > depthMax) return fail(scan, scan.at, `nesting deeper than ${depthMax}`)
  const { text } = scan
  const keys: string[] = []
  let keySet: Set<string> | null = null
  scan.at += 1
  skipSpace(scan)
  if (text.charCodeAt(scan.at) === 0x7d) return advance(scan)
  for (;;) {
    const keyStart = scan.at
    if (text.charCodeAt(keyStart) !== 0x22) return fail(scan, keyStart, 'expected a key in double quotes')
    const escaped = scanString(scan)
    if (escaped === null) return false
    const raw = text.slice(keyStart + 1, scan.at - 1)
    const key = escaped ? (JSON.parse(`"${raw}"`) as string) : raw
    if (key === '__proto__') return fail(scan, keyStart, 'the key "__proto__" is not allowed')
    // Most objects are small, where looking through a list is cheaper than hashing.
    if (keySet === null && keys.length === 8) keySet = new Set(keys)
    if (keySet === null ? keys.includes(key) : keySet.has(key)) {
      return fail(scan, keyStart, `the key ${JSON.stringify(key.slice(0, 64))} is given twice`)
    }
    if (keySet === null) keys.push(key)
    else keySet.add(key)
    skipSpace(scan)
    if (text.charCodeAt(scan.at) !== 0x3a) return fail(scan, scan.at, 'expected a colon')
    scan.at += 1
    skipSpace(scan)
    const valueStart = scan.at
    if (!scanValue(scan, depth + 1)) return false
    if (depth === 1) scan.spans.set(key, { keyStart, valueStart, valueEnd: scan.at })
    skipSpace(scan)
    const next = text.charCodeAt(scan.at)
    if (next === 0x7d) return advance(scan)
    if (next !== 0x2c) return fail(scan, scan.at, 'expected a comma or the end of the object')
    scan.at += 1
    skipSpace(scan)
  }
}

/** Expects `scan.at` on the bracket. */
function scanArray(scan: Scan, depth: number): boolean {
  if (depth > depthMax) return fail(scan, scan.at, `nesting deeper than ${depthMax}`)
  scan.at += 1
  skipSpace(scan)
  if (scan.text.charCodeAt(scan.at) === 0x5d) return advance(scan)
  for (;;) {
    if (!scanValue(scan, depth + 1)) return false
    skipSpace(scan)
    const next = scan.text.charCodeAt(scan.at)
    if (next === 0x5d) return advance(scan)
    if (next !== 0x2c) return fail(scan, scan.at, 'expected a comma or the end of the array')
    scan.at += 1
    skipSpace(scan)
  }
}

/** Passes one string; tells whether it holds escapes, null when it is at fault. */
function scanString(scan: Scan): boolean | null {
  const { text } = scan
  let at = scan.at + 1
  let extra = 0
  let escaped = false
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 0x22) break
    if (code === 0x5c) {
      escaped = true
      at = passEscape(scan, at)
      if (at < 0) return null
    } else if (code < 0x80) {
      if (code < 0x20) return failString(scan, at, 'a control character that is not escaped')
      at += 1
    } else if (code < 0xd800 || code > 0xdfff) {
      extra += code < 0x800 ? 1 : 2
      at += 1
    } else if (code < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1))) {
      extra += 2
      at += 2
    } else {
      return failString(
        scan,
        at,
        at >= text.length ? 'the text ends inside a string' : 'half a surrogate pair',
      )
    }
  }
  scan.extraBytes += extra
  scan.at = at + 1
  return escaped
}

/** Passes one escape; the position after it, or -1. */
function passEscape(scan: Scan, at: number): number {
  const { text } = scan
  const code = text.charCodeAt(at + 1)
  // " \ / b f n r t
  if (code === 0x6e || code === 0x22 || code === 0x5c || code === 0x2f || code === 0x74) return at + 2
  if (code === 0x72 || code === 0x62 || code === 0x66) return at + 2
  const unit = code === 0x75 ? hexUnit(text, at + 2) : -1
  if (unit < 0) {
    fail(scan, at, 'an escape that JSON does not know')
    return -1
  }
  if (unit < 0xd800 || unit > 0xdfff) return at + 6
  const paired = unit < 0xdc00 && text.charCodeAt(at + 6) === 0x5c && text.charCodeAt(at + 7) === 0x75
  if (paired && isLowSurrogate(hexUnit(text, at + 8))) return at + 12
  fail(scan, at, 'half a surrogate pair')
  return -1
}

function scanNumber(scan: Scan): boolean {
  const { text, at: start } = scan
  let at = start
  if (text.charCodeAt(at) === 0x2d) at += 1
  const whole = at
  at = passDigits(text, at)
  if (at === whole || (at - whole > 1 && text.charCodeAt(whole) === 0x30)) {
    return fail(scan, start, start >= text.length ? 'the text ends too early' : 'expected a value')
  }
  const wholeEnd = at
  if (text.charCodeAt(at) === 0x2e) {
    at = passDigits(text, at + 1)
    if (at === wholeEnd + 1) return fail(scan, at, 'expected a digit')
  }
  if ((text.charCodeAt(at) | 0x20) === 0x65) {
    const sign = text.charCodeAt(at + 1)
    const digits = at + (sign === 0x2b || sign === 0x2d ? 2 : 1)
    at = passDigits(text, digits)
    if (at === digits) return fail(scan, at, 'expected a digit')
    scan.exponents += 1
  }
  scan.at = at
  if (at === wholeEnd && at - start < 16) return true
  const number = Number(text.slice(start, at))
  if (!Number.isFinite(number)) return fail(scan, start, 'a number that is not finite')
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    return fail(scan, start, 'an integer beyond ±(2^53-1)')
  }
  return true
}

function passDigits(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (!(code >= 0x30 && code <= 0x39)) return at
    at += 1
  }
}

function scanWord(scan: Scan, word: string): boolean {
  if (!scan.text.startsWith(word, scan.at)) return fail(scan, scan.at, 'expected a value')
  scan.at += word.length
  return true
}

function skipSpace(scan: Scan): void {
  for (;;) {
    const code = scan.text.charCodeAt(scan.at)
    if (code > 0x20 || !(code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09)) return
    scan.at += 1
  }
}

function hexUnit(text: string, at: number): number {
  let unit = 0
  for (let index = at; index < at + 4; index += 1) {
    const code = text.charCodeAt(index)
    const letter = code | 0x20
    if (code >= 0x30 && code <= 0x39) unit = unit * 16 + code - 0x30
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57
    else return -1
  }
  return unit
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

function advance(scan: Scan): true {
  scan.at += 1
  return true
}

function fail(scan: Scan, at: number, what: string): false {
  scan.fault = faultAt(at, what)
  return false
}

function failString(scan: Scan, at: number, what: string): null {
  scan.fault = faultAt(at, what)
  return null
}

function faultAt(at: number, what: string): Refusal {
  return refusal('invalid_json', `The body is not acceptable JSON: ${what} at character ${at + 1}.`)
}
