/** Spoiled input for the fuzzers: JSON and bytes with anything done to them, from a good example. */
import fc from 'fast-check'

/** Values that parsers are known to trip over. */
const oddities: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  '',
  'x'.repeat(300),
  '\u0000',
  'data:image/png;base64,AAAA',
  'https://attacker.example/x.png',
  'file-abc123',
  [],
  {},
  [null],
  { type: 'function' },
  { type: 'web_search' },
  { type: 'input_file', file_id: 'file-1' },
  [[[[]]]],
]

const names = [
  'model',
  'n',
  'max_tokens',
  'stream',
  'tools',
  'type',
  'url',
  'file_id',
  'store',
  'background',
  'service_tier',
  'cache_control',
  'constructor',
  'toString',
]

/** One change to a JSON value: which of its places, counted as they come, and what is done there. */
const change = fc.record({
  place: fc.nat(200),
  how: fc.constantFrom('replace', 'add', 'remove', 'double') as fc.Arbitrary<How>,
  value: fc.oneof(fc.constantFrom(...oddities), fc.jsonValue({ maxDepth: 3 })),
  name: fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 12 })),
})

type How = 'replace' | 'add' | 'remove' | 'double'
type Change = { place: number; how: How; value: unknown; name: string }

/** A good JSON value with up to four things wrong with it; as it was in one of some cases. */
export function spoiledJson(good: unknown): fc.Arbitrary<unknown> {
  return fc.array(change, { maxLength: 4 }).map((changes) => {
    let value = structuredClone(good)
    // Copies: an oddity that went in before must not be put into itself.
    for (const each of changes) value = changed(value, { ...each, value: structuredClone(each.value) })
    return value
  })
}

function changed(value: unknown, { place, how, value: put, name }: Change): unknown {
  const places: { parent: Record<string, unknown> | unknown[]; key: string }[] = []
  collect(value, places)
  const at = places[place % Math.max(1, places.length)]
  if (!at) return put
  const parent = at.parent as Record<string, unknown>
  const inner = parent[at.key]
  if (how === 'replace') parent[at.key] = put
  else if (how === 'remove') delete parent[at.key]
  else if (how === 'double' && Array.isArray(at.parent)) at.parent.push(structuredClone(inner))
  else if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
    Object.defineProperty(inner, name, { value: put, enumerable: true, configurable: true, writable: true })
  } else
    Object.defineProperty(parent, name, { value: put, enumerable: true, configurable: true, writable: true })
  return value
}

function collect(
  value: unknown,
  places: { parent: Record<string, unknown> | unknown[]; key: string }[],
): void {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    places.push({ parent: value as Record<string, unknown>, key })
    collect((value as Record<string, unknown>)[key], places)
  }
}

/** Good text as bytes with pieces cut out, put in twice, or replaced; as it was in one of some cases. */
export function spoiledBytes(good: string): fc.Arbitrary<Uint8Array> {
  const bytes = new TextEncoder().encode(good)
  const edit = fc.record({
    at: fc.nat(Math.max(0, bytes.length - 1)),
    drop: fc.oneof(fc.constant(0), fc.nat(40)),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc
        .constantFrom(
          '\n\n',
          'data: ',
          'event: error\n',
          '}',
          '"',
          '1e400',
          '-5',
          'null',
          '[DONE]',
          '\r',
          ':',
        )
        .map((text) => new TextEncoder().encode(text)),
    ),
  })
  return fc.array(edit, { maxLength: 3 }).map((edits) => {
    let all = bytes
    for (const { at, drop, insert } of edits) {
      const end = Math.min(all.length, at + drop)
      const next = new Uint8Array(Math.min(at, all.length) + insert.length + (all.length - end))
      next.set(all.subarray(0, at))
      next.set(insert, Math.min(at, all.length))
      next.set(all.subarray(end), Math.min(at, all.length) + insert.length)
      all = next
    }
    return all
  })
}

/** Bytes in pieces of any size. */
export function inPieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let from = 0
  for (let index = 0; from < bytes.length; index += 1) {
    const size = Math.max(1, sizes[index % Math.max(1, sizes.length)] ?? bytes.length)
    pieces.push(bytes.slice(from, from + size))
    from += size
  }
  return pieces
}
