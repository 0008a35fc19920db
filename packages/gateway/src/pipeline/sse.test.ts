import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSseFramer, eventBytesMax, type SseEvent } from './sse.ts'

const encoder = new TextEncoder()
const fixtures = new URL('../endpoints/__fixtures__/', import.meta.url)
const streams = readdirSync(fixtures).filter((name) => name.endsWith('.chunks.txt'))

function frame(chunks: Uint8Array[]): { events: SseEvent[]; overflow: boolean } {
  const framer = createSseFramer()
  const events: SseEvent[] = []
  let overflow = false
  for (const chunk of chunks) {
    const step = framer.push(chunk)
    events.push(...step.events)
    overflow ||= step.overflow
  }
  const rest = framer.rest()
  if (rest !== null) events.push(rest)
  return { events, overflow }
}

function framed(...texts: string[]): SseEvent[] {
  return frame(texts.map((text) => encoder.encode(text))).events
}

const shown = (events: SseEvent[]) =>
  events.map(({ bytes, ...event }) => [new TextDecoder().decode(bytes), event])
const datas = (events: SseEvent[]) => events.flatMap(({ data }) => (data === null ? [] : [data]))

function joined(events: SseEvent[]): string {
  return events.map(({ bytes }) => new TextDecoder('latin1').decode(bytes)).join('')
}

describe('events', () => {
  test('one or more whole events in a chunk', () => {
    expect(shown(framed('data: {"a":1}\n\n', 'data:b\n\ndata:  c\n\n'))).toEqual([
      ['data: {"a":1}\n\n', { data: '{"a":1}', event: null }],
      ['data:b\n\n', { data: 'b', event: null }],
      ['data:  c\n\n', { data: ' c', event: null }],
    ])
  })

  test('comments, names, several data lines and fields without a colon', () => {
    expect(shown(framed(': hello\n\nevent: error\ndata: a\ndata\ndata:b\nid: 1\n\nretry: 5\n\n'))).toEqual([
      [': hello\n\n', { data: null, event: null }],
      ['event: error\ndata: a\ndata\ndata:b\nid: 1\n\n', { data: 'a\n\nb', event: 'error' }],
      ['retry: 5\n\n', { data: null, event: null }],
    ])
  })

  test('data with nothing in it is empty, not absent', () => {
    expect(datas(framed('data:\n\ndata: \n\ndata\n\n'))).toEqual(['', '', ''])
  })

  test('a comment before the data and a name after it', () => {
    expect(shown(framed(': x\ndata: a\nevent: e\n\n'))).toEqual([
      [': x\ndata: a\nevent: e\n\n', { data: 'a', event: 'e' }],
    ])
  })

  test.each(['\n', '\r\n', '\r'])('lines that end in %j', (end) => {
    const text = `data: a${end}${end}: c${end}${end}event: e${end}data: b${end}data: c${end}${end}`
    expect(datas(framed(text))).toEqual(['a', 'b\nc'])
    expect(framed(text)).toHaveLength(3)
  })

  test('mixed line ends and blank lines to spare', () => {
    const text = 'data: a\r\n\ndata: b\n\r\n\n\n\ndata: c\r\r\r\rdata: d\r\n\r\n'
    expect(datas(framed(text))).toEqual(['a', 'b', 'c', 'd'])
    expect(joined(framed(text))).toBe(text)
  })

  test('a chunk that ends between CR and LF waits for the LF', () => {
    const framer = createSseFramer()
    expect(framer.push(encoder.encode('data: a\r\n\r')).events).toEqual([])
    expect(shown(framer.push(encoder.encode('\ndata: b\r\n\r\n')).events).map(([bytes]) => bytes)).toEqual([
      'data: a\r\n\r\n',
      'data: b\r\n\r\n',
    ])
  })

  test('a stream of bare CRs does not wait', () => {
    expect(datas(createSseFramer().push(encoder.encode('data: a\r\r')).events)).toEqual(['a'])
  })

  test('what is left at the end is read as an event', () => {
    expect(shown(framed('data: a\n\ndata: [DO', 'NE]'))).toEqual([
      ['data: a\n\n', { data: 'a', event: null }],
      ['data: [DONE]', { data: '[DONE]', event: null }],
    ])
    expect(datas(framed('data: [DONE]\n'))).toEqual(['[DONE]'])
    expect(createSseFramer().rest()).toBeNull()
  })

  test('a byte order mark before the first event is not part of its field name', () => {
    expect(datas(framed('\ufeffdata: a\n\n'))).toEqual(['a'])
  })

  test('whole events are views of the chunk, not copies', () => {
    const chunk = encoder.encode('data: a\n\ndata: b\n\n')
    const { events } = createSseFramer().push(chunk)
    expect(events.every(({ bytes }) => bytes.buffer === chunk.buffer)).toBe(true)
  })
})

describe('the limit', () => {
  const big = (bytes: number) => encoder.encode(`data: ${'x'.repeat(bytes - 8)}\n\n`)

  test('an event of exactly the limit passes, in one chunk or many', () => {
    const event = big(eventBytesMax)
    expect(frame([event])).toMatchObject({ overflow: false, events: [{}] })
    const pieces = Array.from({ length: 1025 }, (_, index) =>
      event.subarray(index * 1024, (index + 1) * 1024),
    )
    const { events, overflow } = frame(pieces)
    expect([overflow, events.length, events[0]?.bytes.length]).toEqual([false, 1, eventBytesMax])
  })

  test('is what the endpoint says, where it says one', () => {
    for (const bytes of [100, 3 * eventBytesMax]) {
      expect(createSseFramer(bytes).push(big(bytes)).overflow).toBe(false)
      expect(createSseFramer(bytes).push(big(bytes + 1)).overflow).toBe(true)
    }
  })

  test('a byte more overflows, after the events before it', () => {
    const framer = createSseFramer()
    const chunk = encoder.encode(`data: a\n\ndata: ${'x'.repeat(eventBytesMax)}\n\ndata: b\n\n`)
    const step = framer.push(chunk)
    expect([step.overflow, datas(step.events)]).toEqual([true, ['a']])
    expect(framer.push(encoder.encode('data: c\n\n'))).toEqual({ events: [], overflow: true })
  })

  test('a line that never ends overflows', () => {
    const framer = createSseFramer()
    const chunk = encoder.encode('x'.repeat(65536))
    let steps = 0
    while (!framer.push(chunk).overflow) steps += 1
    expect(steps).toBe(eventBytesMax / 65536)
  })
})

describe('splits', () => {
  test.each(streams)('%s split at every byte gives the same events', (name) => {
    const text = readFileSync(new URL(name, fixtures), 'utf8')
    for (const ends of ['\n', '\r\n', '\r']) {
      const bytes = encoder.encode(text.replaceAll('\n', ends))
      const whole = frame([bytes]).events
      for (let at = 0; at <= bytes.length; at += 1) {
        const { events } = frame([bytes.subarray(0, at), bytes.subarray(at)])
        expect(datas(events)).toEqual(datas(whole))
      }
      const single = frame(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))).events
      expect(datas(single)).toEqual(datas(whole))
    }
  })

  test('any bytes in any chunks: nothing is lost, nothing is changed, the data is the same', () => {
    const piece = fc.constantFrom(
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'data',
      ':',
      ' ',
      'event: e\n',
      'data: é👋\n\n',
      'x',
      '',
    )
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat(), { maxLength: 6 }), (pieces, cuts) => {
        const text = pieces.join('')
        const bytes = encoder.encode(text)
        const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
        const chunks = [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length))
        const { events } = frame(chunks)
        expect(joined(events)).toBe(new TextDecoder('latin1').decode(bytes))
        expect(datas(events)).toEqual(datas(frame([bytes]).events))
        expect(datas(events)).toEqual(dataByTheBook(text))
      }),
      { numRuns: 3000 },
    )
  })
})

/** The standard's own algorithm, line by line, with the end of the stream read as a blank line. */
function dataByTheBook(text: string): string[] {
  const found: string[] = []
  let data: string[] | null = null
  for (const line of [...text.split(/\r\n|\r|\n/), '']) {
    if (line === '') {
      if (data !== null) found.push(data.join('\n'))
      data = null
    }
    const [, field, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line) ?? []
    if (field === 'data') data = [...(data ?? []), value ?? '']
  }
  return found
}
