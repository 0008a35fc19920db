/** The account's history in words and as a file. */
import type { Entry } from './contract.ts'
import { type Cell, toCsv } from './csv.ts'
import { type GetToken, readEntries } from './gateway.ts'

const PAGE_SIZE = 500
const PAGES_MAX = 200

/** The most entries that a file takes. */
export const CSV_ENTRIES_MAX = PAGE_SIZE * PAGES_MAX

/** An entry for people: what it was, and a remark that needs more room. */
export type EntryWords = { title: string; remark?: string }

/** Says what an entry was. */
export function describeEntry(entry: Entry): EntryWords {
  switch (entry.kind) {
    case 'grant':
      return describeGrant(entry)
    case 'charge':
      return describeCharge(entry)
    case 'expire':
      return { title: 'Credits expired', remark: 'Their time was over before they were spent.' }
    case 'revoke':
      return {
        title: 'Credits taken back',
        remark: entry.reason ?? 'The payment that they came from was refunded or disputed.',
      }
  }
}

/** Why a charge is marked as estimated. */
export const ESTIMATED =
  'The provider did not say what this answer used, so it was charged by what was sent and received.'

function describeGrant({ source, reason }: Entry): EntryWords {
  if (source === 'purchase') return { title: 'Credits bought' }
  if (source === 'allowance') return { title: 'Allowance of the plan' }
  return { title: 'Credits from the operator', ...(reason !== undefined && { remark: reason }) }
}

function describeCharge({ ended }: Entry): EntryWords {
  switch (ended) {
    case 'stopped':
      return {
        title: 'Answer stopped',
        remark: 'It was stopped on your side; what was written until then counts.',
      }
    case 'cut':
      return { title: 'Answer cut off', remark: 'The provider broke off; what came until then counts.' }
    case 'error':
      return { title: 'Answer failed', remark: 'The provider ended with an error after it had begun.' }
    case 'lapsed':
      return {
        title: 'Answer lost',
        remark: 'Its end was never seen, so it was charged by what was known of it.',
      }
    default:
      return { title: 'Answer' }
  }
}

/** The tokens of a charge, where the entry tells. */
export function tokensOf({ usage }: Entry): { input: number; output: number } | undefined {
  const { inputTokens, outputTokens } = usage ?? {}
  if (typeof inputTokens !== 'number' || typeof outputTokens !== 'number') return undefined
  return { input: inputTokens, output: outputTokens }
}

/**
 * All entries as CSV, newest first, page by page up to `CSV_ENTRIES_MAX`; undefined if `signal` ended it.
 * `onProgress` hears how many there are so far. Throws what reading throws.
 */
export async function entriesAsCsv(
  getToken: GetToken,
  signal: AbortSignal,
  onProgress: (count: number) => void,
): Promise<{ csv: string; isWhole: boolean } | undefined> {
  const entries: Entry[] = []
  let cursor: string | null = null
  for (let page = 0; page < PAGES_MAX && !signal.aborted; page++) {
    const listing = await readEntries(getToken, { limit: PAGE_SIZE, ...(cursor !== null && { cursor }) })
    entries.push(...listing.data)
    onProgress(entries.length)
    cursor = listing.nextCursor
    if (cursor === null) break
  }
  return signal.aborted ? undefined : { csv: toCsv(HEADER, entries.map(toRow)), isWhole: cursor === null }
}

const HEADER = [
  'at',
  'kind',
  'what',
  'credits',
  'model',
  'inputTokens',
  'outputTokens',
  'ended',
  'estimated',
  'member',
  'keyId',
  'source',
  'reason',
  'requestId',
  'id',
]

function toRow(entry: Entry): Cell[] {
  const tokens = tokensOf(entry)
  return [
    entry.at,
    entry.kind,
    describeEntry(entry).title,
    entry.credits,
    entry.model,
    tokens?.input,
    tokens?.output,
    entry.ended,
    entry.estimated,
    entry.member,
    entry.keyId,
    entry.source,
    entry.reason,
    entry.requestId,
    entry.id,
  ]
}
