/** The simulated account in memory, its ids, and the file that carries it over a restart of development. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { noSuch } from './errors.ts'
import type { Collection, State } from './types.ts'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const EVENTS_MAX = 500
const IDEMPOTENCY_KEYS_MAX = 500

/** An id that looks like Stripe's: `cus` gives `cus_TfQ2…`, `pi_3` gives `pi_3TfQ2…`, and nothing gives a bare token. */
export function newId(prefix: string, length = 24): string {
  const letters = [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length])
  return `${prefix}${prefix === '' || prefix.includes('_') ? '' : '_'}${letters.join('')}`
}

/** An account with nothing in it. */
export function emptyState(baseUrl: string): State {
  return {
    baseUrl,
    customers: {},
    deletedCustomers: [],
    products: {},
    prices: {},
    coupons: {},
    promotionCodes: {},
    paymentMethods: {},
    behaviours: {},
    paymentIntents: {},
    charges: {},
    refunds: {},
    disputes: {},
    sessions: {},
    lineItems: {},
    intentions: {},
    subscriptions: {},
    prorations: {},
    invoices: {},
    invoicePayments: {},
    portalSessions: {},
    meterEvents: {},
    settlements: [],
    events: {},
    owed: [],
    idempotency: {},
  }
}

/** The newest first, as Stripe lists. */
export function newestFirst<Item>(collection: Collection<Item>): Item[] {
  return Object.values(collection).reverse()
}

/** An object by id; throws Stripe's error where there is none. `param` names the parameter that holds the id. */
export function find<Item>(collection: Collection<Item>, what: string, id: string, param?: string): Item {
  const found = Object.hasOwn(collection, id) ? collection[id] : undefined
  if (!found) throw noSuch(what, id, param)
  return found
}

/** Reads an account back; its links point to where the simulator now listens. */
export function readState(file: string, baseUrl: string): State | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    const { baseUrl: before } = JSON.parse(text) as State
    // The simulator's own file, written whole by writeState; fields that a later version added start empty.
    const stored = JSON.parse(text.replaceAll(`"${before}/`, `"${baseUrl}/`)) as State
    return { ...emptyState(baseUrl), ...stored, baseUrl }
  } catch {
    return undefined
  }
}

/** Writes an account whole, or not at all. */
export function writeState(file: string, state: State): void {
  const temporary = `${file}.${process.pid}.tmp`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 })
  renameSync(temporary, file)
}

/** Forgets the oldest of what only grows. */
export function prune(state: State): void {
  keepNewest(state.events, EVENTS_MAX)
  keepNewest(state.idempotency, IDEMPOTENCY_KEYS_MAX)
  state.owed = state.owed.filter((id) => id in state.events)
}

function keepNewest<Item>(collection: Collection<Item>, max: number): void {
  const ids = Object.keys(collection)
  for (const id of ids.slice(0, Math.max(0, ids.length - max))) delete collection[id]
}
