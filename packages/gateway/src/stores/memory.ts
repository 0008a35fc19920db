/** The reference store: everything in maps, nothing durable. For tests, and to read how a store behaves. */
import { type Account, type GrantRecord, type Hold, newAccount } from '../core/account.ts'
import type { Catalog } from '../core/catalog.ts'
import type { Retired, Spent } from '../core/draft.ts'
import type { Entry } from '../core/entry.ts'
import { isKeyUseOver, type KeyUse } from '../core/idempotency.ts'
import type { Payment } from '../core/payment.ts'
import { LEASE_AHEAD_MS } from '../core/reserve.ts'
import type {
  Clock,
  EntryPage,
  EntryQuery,
  KeptAnswer,
  PaymentPage,
  PaymentQuery,
  Store,
  UsageQuery,
  UsageSum,
} from '../ports.ts'
import { type LapsesOptions, startLapses } from './lapses.ts'
import { type OverdueHold, type Rows, runCommand } from './rows.ts'

type Book = {
  account: Account
  holds: Map<string, Hold>
  entries: Map<string, Entry>
  grants: Map<string, GrantRecord>
  payments: Map<string, Payment>
  spent: Spent[]
  keyUses: Map<string, KeyUse>
  /** By the ids of their requests. */
  answers: Map<string, KeptAnswer>
}

export type MemoryStoreOptions = { catalog: Catalog; clock?: Clock } & Pick<
  LapsesOptions,
  'steadyClock' | 'sweepMs'
>

/** A store that can also be told to look for lapsed leases now. */
export type MemoryStore = Store & { sweep: () => Promise<number> }

/** Makes an empty store. Its lapses run on a timer until `close`. */
export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  const { catalog, clock = Date.now, ...timing } = options
  const books = new Map<string, Book>()
  const rows = memoryRows(books)
  const apply: Store['apply'] = async (accountId, command) =>
    runCommand(rows, accountId, command, { now: clock(), catalog })
  const lapses = startLapses({
    ...timing,
    clock,
    apply,
    overdue: async (now) => overdue(books, now),
    prune: async (now) => prune(books, now),
  })
  return {
    apply,
    read: async (accountId) => structuredClone(rows.account(accountId, clock())),
    entries: async (accountId, query) => page([...(books.get(accountId)?.entries.values() ?? [])], query),
    payments: async (accountId, query) =>
      structuredClone(paymentPage([...(books.get(accountId)?.payments.values() ?? [])], query)),
    usage: async (accountId, query) => sums(books.get(accountId)?.spent ?? [], query),
    keepAnswer: async (accountId, { keyHash, requestId }, answer) => {
      const book = books.get(accountId)
      if (book?.keyUses.get(keyHash)?.requestId !== requestId) return
      book.answers.set(requestId, structuredClone(answer))
    },
    answer: async (accountId, { keyHash, requestId }) => {
      const book = books.get(accountId)
      const own = book?.keyUses.get(keyHash)?.requestId === requestId
      return structuredClone((own && book?.answers.get(requestId)) || null)
    },
    ready: async () => {},
    sweep: lapses.sweep,
    close: async () => lapses.stop(),
  }
}

function memoryRows(books: Map<string, Book>): Rows {
  return {
    account: (id, now) => books.get(id)?.account ?? newAccount(id, now),
    hold: (accountId, id) => books.get(accountId)?.holds.get(id),
    entry: (accountId, id) => books.get(accountId)?.entries.get(id),
    grant: (accountId, id) => books.get(accountId)?.grants.get(id),
    payment: (accountId, id) => books.get(accountId)?.payments.get(id),
    keyUse: (accountId, keyHash) => books.get(accountId)?.keyUses.get(keyHash),
    write(accountId, decision) {
      const { account, entries, records, hold, payment, spent, keyUse, retired } = decision
      const old = books.get(accountId)
      if (retired) {
        books.delete(accountId)
        books.set(retired.id, retire(old ?? emptyBook(retired.account), retired))
      }
      const book = books.get(accountId)
      const repeated = entries.find(({ id }) => book?.entries.has(id))
      if (repeated) throw new Error(`the entry ${repeated.id} would be written twice`)
      if (account) {
        books.set(accountId, book ? Object.assign(book, { account }) : emptyBook(account))
      }
      const { holds, entries: kept, grants, payments, spent: sum, keyUses } = bookOf(books, accountId)
      for (const entry of entries) kept.set(entry.id, entry)
      for (const record of records) grants.set(record.id, record)
      if (payment) payments.set(payment.id, payment)
      if (spent) sum.push(spent)
      if (hold && 'put' in hold) holds.set(hold.put.id, hold.put)
      else if (hold) holds.delete(hold.drop)
      if (keyUse && 'put' in keyUse) keyUses.set(keyUse.put.keyHash, keyUse.put)
      else if (keyUse) keyUses.delete(keyUse.drop)
    },
  }
}

function emptyBook(account: Account): Book {
  return {
    account,
    holds: new Map(),
    entries: new Map(),
    grants: new Map(),
    payments: new Map(),
    spent: [],
    keyUses: new Map(),
    answers: new Map(),
  }
}

/** The books under their new name, without what names a person. */
function retire(book: Book, { id, account, entries }: Retired): Book {
  const kept = [...book.entries.values(), ...entries].map(({ keyId: _key, reason: _reason, ...entry }) =>
    entry.member === undefined ? entry : { ...entry, member: id },
  )
  return {
    ...book,
    account,
    entries: new Map(kept.map((entry) => [entry.id, entry])),
    payments: new Map([...book.payments.values()].map((each) => [each.id, { ...each, member: null }])),
    spent: book.spent.map((each) => ({ ...each, member: id })),
    keyUses: new Map(),
    answers: new Map(),
  }
}

function bookOf(books: Map<string, Book>, accountId: string): Book {
  const book = books.get(accountId)
  if (!book) throw new Error(`no rows for the account ${accountId}`)
  return book
}

/** Forgets keys whose time is over, and the answers of all that no key stands for. */
function prune(books: Map<string, Book>, now: number): void {
  for (const { holds, keyUses, answers } of books.values()) {
    for (const [keyHash, use] of keyUses) {
      if (isKeyUseOver(use, now) && !holds.has(use.requestId)) keyUses.delete(keyHash)
    }
    const standing = new Set([...keyUses.values()].map(({ requestId }) => requestId))
    for (const requestId of answers.keys()) if (!standing.has(requestId)) answers.delete(requestId)
  }
}

/** The oldest lease first, then by account and id, so that every store lapses in one order. */
function overdue(books: Map<string, Book>, now: number): OverdueHold[] {
  const found = [...books].flatMap(([accountId, { holds }]) =>
    [...holds.values()]
      .filter(({ leaseUntil }) => leaseUntil <= now || leaseUntil > now + LEASE_AHEAD_MS)
      .map(({ id, leaseUntil }) => ({ accountId, holdId: id, leaseUntil })),
  )
  return found.sort(
    (a, b) => a.leaseUntil - b.leaseUntil || compare(a.accountId, b.accountId) || compare(a.holdId, b.holdId),
  )
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Entries newest first; the cursor is the number of entries already seen from the oldest. */
function page(entries: Entry[], { limit, cursor, requestId }: EntryQuery): EntryPage {
  if (requestId !== undefined)
    return { data: entries.filter((entry) => entry.requestId === requestId), nextCursor: null }
  const end = cursor === undefined ? entries.length : Number(cursor)
  if (!Number.isSafeInteger(end)) return { data: [], nextCursor: null }
  const start = Math.max(0, end - limit)
  return { data: entries.slice(start, end).reverse(), nextCursor: start > 0 ? String(start) : null }
}

/** Payments newest first, by their ids, which begin with a time. The cursor is the id before which to go on. */
function paymentPage(payments: Payment[], { limit, cursor, id }: PaymentQuery): PaymentPage {
  if (id !== undefined) return { data: payments.filter((each) => each.id === id), nextCursor: null }
  const rest = payments
    .filter((each) => cursor === undefined || each.id < cursor)
    .sort((a, b) => compare(b.id, a.id))
  const data = rest.slice(0, limit)
  return { data, nextCursor: rest.length > limit ? (data.at(-1)?.id ?? null) : null }
}

function sums(spent: Spent[], { from, to, by }: UsageQuery): UsageSum[] {
  const found = new Map<string | number, UsageSum>()
  for (const each of spent) {
    if (each.day < from || each.day > to) continue
    const key = each[by]
    const sum = found.get(key) ?? { key, requests: 0, inputTokens: 0, outputTokens: 0, credits: 0 }
    sum.requests += 1
    sum.inputTokens += each.inputTokens
    sum.outputTokens += each.outputTokens
    sum.credits += each.credits
    found.set(key, sum)
  }
  return [...found.values()].sort((a, b) =>
    typeof a.key === 'number' && typeof b.key === 'number'
      ? a.key - b.key
      : compare(String(a.key), String(b.key)),
  )
}
