/**
 * Puts the receipt into the `usage` object of an answer, or takes that object out, and edits what the provider says of a
 * failure. The answer is the provider's text, so it is spliced, never printed anew: all other bytes stay as they came.
 */
import type { Receipt } from '../ports.ts'

/** Where an object stands: the keys that lead to it, from the top. */
type Path = readonly string[]

const topLevel: readonly Path[] = [['usage']]

/**
 * The text with `"faregate":{"creditsCharged":…,"creditsAvailable":…}` as the last field of its `usage` object, which
 * stands at the first of these paths that leads to one; unchanged where none does. The text must be JSON that was
 * parsed before.
 */
export function insertReceipt(jsonText: string, receipt: Receipt, paths: readonly Path[] = topLevel): string {
  for (const path of paths) {
    const span = objectAt(jsonText, path)
    if (span) return spliced(jsonText, span.end, receipt)
  }
  return jsonText
}

/** The text with `null` in place of its top-level `usage` object; unchanged where there is none. */
export function removeUsage(jsonText: string): string {
  const span = objectAt(jsonText, ['usage'])
  return span ? `${jsonText.slice(0, span.start)}null${jsonText.slice(span.end + 1)}` : jsonText
}

/** The text with the words of its `error` objects, which stand at these paths, as `edit` gives them. */
export function editErrors(
  jsonText: string,
  paths: readonly Path[],
  edit: (words: string) => string,
): string {
  let text = jsonText
  for (const path of paths) {
    const span = objectAt(text, path)
    if (!span) continue
    const error: unknown = JSON.parse(text.slice(span.start, span.end + 1), (_key, value) =>
      typeof value === 'string' ? edit(value) : value,
    )
    text = text.slice(0, span.start) + JSON.stringify(error) + text.slice(span.end + 1)
  }
  return text
}

function spliced(jsonText: string, end: number, { creditsCharged, creditsAvailable }: Receipt): string {
  let before = end - 1
  while (isSpace(jsonText.charCodeAt(before))) before -= 1
  const comma = jsonText[before] === '{' ? '' : ','
  const field = `${comma}"faregate":${JSON.stringify({ creditsCharged, creditsAvailable })}`
  return jsonText.slice(0, end) + field + jsonText.slice(end)
}

type Span = { start: number; end: number }

/** Where the braces of the object at a path stand (of the last one, as JSON.parse reads it). */
function objectAt(text: string, path: Path): Span | null {
  let depth = 0
  let start = 0
  let found: Span | null = null
  let key = ''
  // How far along the path the scan is, and whether the next brace goes a step further.
  let steps = 0
  let isNext = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      const end = endOfString(text, at)
      if (depth === steps + 1) key = text.slice(at, end)
      at = end - 1
    } else if (code === 0x3a && depth === steps + 1 && steps < path.length && key === `"${path[steps]}"`) {
      found = null
      at = skipSpace(text, at + 1)
      if (steps + 1 === path.length) start = at
      isNext = text.charCodeAt(at) === 0x7b
      at -= 1
      key = ''
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (isNext) steps += 1
      isNext = false
    } else if (code === 0x7d || code === 0x5d) {
      if (steps > 0 && depth === steps + 1) {
        if (steps === path.length) found = { start, end: at }
        steps -= 1
      }
      depth -= 1
    }
  }
  return found
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end + 1
}

/** A quote is escaped when an odd number of backslashes stands before it. */
function isEscaped(text: string, quote: number): boolean {
  let at = quote - 1
  while (text.charCodeAt(at) === 0x5c) at -= 1
  return (quote - at) % 2 === 0
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}
