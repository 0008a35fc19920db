/**
 * Cuts a stream of server-sent events into whole events without changing a byte: what goes to the client is
 * what came, and the tap gets the data. It works on bytes because a chunk may end anywhere, inside a character
 * too. Most chunks hold whole events and are cut without copying.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html (lines end in LF, CRLF or CR).
 */

/** One event: its raw bytes with the blank line that ends it, its joined `data` lines, its `event` name. */
export type SseEvent = {
  bytes: Uint8Array
  /** Null where the event has no data line (a comment, stray blank lines). */
  data: string | null
  event: string | null
}

export type SseFramer = {
  /**
   * Takes the next bytes and gives back the events that are complete. `overflow` says that one event grew over
   * the limit: nothing more is taken then, and the stream should be ended as invalid. The framer keeps views of
   * the chunk: its buffer must not be reused.
   */
  push(chunk: Uint8Array): { events: SseEvent[]; overflow: boolean }
  /** At the end of the stream: what is left, read as if a blank line had followed; null when nothing is left. */
  rest(): SseEvent | null
}

/** The most bytes that one event may have, where its endpoint says nothing else. */
export const eventBytesMax = 1024 * 1024

const LF = 0x0a
const CR = 0x0d
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const nothing = new Uint8Array(0)

/** Makes a framer for one stream. */
export function createSseFramer(bytesMax = eventBytesMax): SseFramer {
  // The unfinished event: `tail[0..length)`, in which no blank line ends before `searched`.
  let tail = nothing as Uint8Array
  let length = 0
  let searched = 0
  let overflow = false
  let first = true

  function append(chunk: Uint8Array): void {
    if (length + chunk.length > tail.length) {
      const grown = new Uint8Array(Math.max(1024, 2 * (length + chunk.length)))
      grown.set(tail.subarray(0, length))
      tail = grown
    }
    tail.set(chunk, length)
    length += chunk.length
  }

  function push(chunk: Uint8Array): { events: SseEvent[]; overflow: boolean } {
    const events: SseEvent[] = []
    if (overflow) return { events, overflow }
    let bytes = chunk
    let from = 0
    if (length > 0) {
      append(chunk)
      bytes = tail.subarray(0, length)
      from = searched
    }
    let start = 0
    for (;;) {
      const cut = findBlankLine(bytes, from)
      if (cut.end < 0) {
        searched = cut.searched - start
        break
      }
      if (cut.end - start > bytesMax) overflow = true
      if (overflow) break
      // Most chunks are one event, and a view costs more than all the rest of this.
      const whole = start === 0 && cut.end === bytes.length
      const event = whole ? bytes : bytes.subarray(start, cut.end)
      events.push(readEvent(event, cut.lineEnd - start, first))
      first = false
      start = cut.end
      from = cut.end
    }
    keep(bytes, start)
    if (length > bytesMax) overflow = true
    return { events, overflow }
  }

  /** Keeps what is left after the last event. Events view the old bytes, so a rest never stays in place. */
  function keep(bytes: Uint8Array, start: number): void {
    if (start === 0 && length > 0) return
    length = 0
    tail = nothing
    if (start < bytes.length) append(bytes.subarray(start))
  }

  function rest(): SseEvent | null {
    if (length === 0) return null
    const bytes = tail.subarray(0, length)
    length = 0
    tail = nothing
    return readEvent(bytes, -1, first)
  }

  return { push, rest }
}

/**
 * The first blank line that is complete at or after `from`: `lineEnd` is where the line before it ends, `end`
 * where the next event starts. `end` is -1 if there is none; `searched` is then where to look on from.
 */
function findBlankLine(bytes: Uint8Array, from: number): { lineEnd: number; end: number; searched: number } {
  const size = bytes.length
  for (let at = from; at < size; at += 1) {
    const code = bytes[at]
    if (code !== LF && code !== CR) continue
    const next = code === CR && bytes[at + 1] === LF ? at + 2 : at + 1
    if (next >= size) return { lineEnd: at, end: -1, searched: at }
    const second = bytes[next]
    if (second === LF) return { lineEnd: at, end: next + 1, searched: at }
    if (second === CR) {
      if (next + 1 < size)
        return { lineEnd: at, end: bytes[next + 1] === LF ? next + 2 : next + 1, searched: at }
      // A CR at the very end may be half of a CRLF; a writer that just used a bare CR means it.
      if (code === CR && next === at + 1) return { lineEnd: at, end: size, searched: at }
      return { lineEnd: at, end: -1, searched: at }
    }
    at = next - 1
  }
  return { lineEnd: size, end: -1, searched: size }
}

/** `lineEnd` is where the first line before the blank one ends, or -1 where that is not known. */
function readEvent(bytes: Uint8Array, lineEnd: number, first: boolean): SseEvent {
  if (lineEnd > 4 && startsWithData(bytes) && !hasLineBreak(bytes, lineEnd)) {
    const start = bytes[5] === 0x20 ? 6 : 5
    // What stands around the data is ASCII, so that it can be cut from the text as well as from the bytes.
    const text = start >= lineEnd ? '' : decoder.decode(bytes)
    return { bytes, data: text.slice(start, text.length - (bytes.length - lineEnd)), event: null }
  }
  return readLines(bytes, first)
}

function startsWithData(bytes: Uint8Array): boolean {
  return bytes[0] === 0x64 && bytes[1] === 0x61 && bytes[2] === 0x74 && bytes[3] === 0x61 && bytes[4] === 0x3a
}

function hasLineBreak(bytes: Uint8Array, end: number): boolean {
  const lf = bytes.indexOf(LF)
  if (lf >= 0 && lf < end) return true
  const cr = bytes.indexOf(CR)
  return cr >= 0 && cr < end
}

function readLines(bytes: Uint8Array, first: boolean): SseEvent {
  let text = decoder.decode(bytes)
  if (first && text.charCodeAt(0) === 0xfeff) text = text.slice(1)
  let data: string | null = null
  let event: string | null = null
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1)
    if (field === 'data') data = data === null ? value : `${data}\n${value}`
    else if (field === 'event') event = value
  }
  return { bytes, data, event }
}
