/** Lists, searches and expansion: what every kind of Stripe object has in common. */
import { invalid } from './errors.ts'
import { child, integer, type Params, text } from './params.ts'
import { newestFirst } from './state.ts'
import type { State } from './types.ts'

type Listed = { id: string; created?: number }

/** A page of Stripe's cursor pagination; `items` come newest first. */
export function page<Item extends Listed>(items: Item[], params: Params, url: string) {
  const limit = integer(params, 'limit') ?? 10
  if (limit < 1 || limit > 100) throw invalid('This value must be between 1 and 100.', 'limit')
  const created = child(params, 'created')
  const wanted = created ? items.filter((item) => inRange(item.created ?? 0, created)) : items
  const after = text(params, 'starting_after')
  const before = text(params, 'ending_before')
  if (before !== undefined) {
    const earlier = wanted.slice(0, indexOf(wanted, before, 'ending_before'))
    return { object: 'list', url, has_more: earlier.length > limit, data: earlier.slice(-limit) }
  }
  const start = after === undefined ? 0 : indexOf(wanted, after, 'starting_after') + 1
  return {
    object: 'list',
    url,
    has_more: wanted.length > start + limit,
    data: wanted.slice(start, start + limit),
  }
}

function indexOf(items: Listed[], id: string, param: string): number {
  const index = items.findIndex((item) => item.id === id)
  if (index === -1) throw invalid(`No such object: '${id}'`, param, 'resource_missing')
  return index
}

function inRange(created: number, range: Params): boolean {
  const bound = (name: string, otherwise: number) => integer(range, name) ?? otherwise
  return (
    created >= bound('gte', Number.NEGATIVE_INFINITY) &&
    created > bound('gt', Number.NEGATIVE_INFINITY) &&
    created <= bound('lte', Number.POSITIVE_INFINITY) &&
    created < bound('lt', Number.POSITIVE_INFINITY)
  )
}

/**
 * Stripe's search: clauses `field:"value"`, `field~"part"` or `metadata["key"]:"value"`, joined by AND or by OR. The
 * real index lags behind by up to a minute; this one does not.
 */
export function search(items: Listed[], params: Params, url: string) {
  const query = text(params, 'query')
  if (!query) throw invalid('Missing required param: query.', 'query', 'parameter_missing')
  const limit = integer(params, 'limit') ?? 10
  const joins = query.match(/"\s+(AND|OR)\s+|'\s+(AND|OR)\s+/gi) ?? []
  const or = joins.some((join) => /or/i.test(join))
  if (or && joins.some((join) => /and/i.test(join)))
    throw invalid('You cannot combine AND and OR in one query.', 'query')
  const clauses = query.split(/(?<=["'])\s+(?:AND|OR)\s+/i).map(parseClause)
  const found = items.filter((item) =>
    or ? clauses.some((clause) => clause(item)) : clauses.every((clause) => clause(item)),
  )
  return {
    object: 'search_result',
    url,
    has_more: found.length > limit,
    next_page: null,
    data: found.slice(0, limit),
  }
}

function parseClause(source: string): (item: object) => boolean {
  const parts = /^(-?)(\w+)(?:\[["']([^"']+)["']\])?\s*([:~])\s*["'](.*)["']$/.exec(source.trim())
  if (!parts) throw invalid(`We were unable to parse your search query: ${source}`, 'query')
  const [, minus, field = '', key, operator, quoted = ''] = parts
  const value = quoted.replace(/\\(.)/g, '$1')
  return (item) => {
    const whole: unknown = Reflect.get(item, field)
    const found: unknown = key && typeof whole === 'object' && whole ? Reflect.get(whole, key) : whole
    const actual = typeof found === 'string' || typeof found === 'boolean' ? String(found) : ''
    const matches = operator === ':' ? actual.toLowerCase() === value.toLowerCase() : actual.includes(value)
    return minus ? !matches : matches
  }
}

/** Follows `expand` paths such as `latest_charge` or `data.product` in a copy of an answer. */
export function expanded(state: State, answer: object, paths: string[]): object {
  if (paths.length === 0) return answer
  const copy = structuredClone(answer)
  for (const path of paths) expandPath(state, copy, path.split('.'), path)
  return copy
}

function expandPath(state: State, holder: object, [name = '', ...rest]: string[], path: string): void {
  const value: unknown = Reflect.get(holder, name)
  const included = value === undefined ? includable(state, holder, name) : undefined
  if (value === undefined && included === undefined) {
    throw invalid(`This property cannot be expanded (${path}).`, 'expand')
  }
  const found = typeof value === 'string' ? structuredClone(byId(state, value)) : (included ?? value)
  if (found !== undefined) Reflect.set(holder, name, found)
  if (rest.length === 0 || typeof found !== 'object' || found === null) return
  for (const each of Array.isArray(found) ? found : [found]) expandPath(state, each, rest, path)
}

/** Lists that Stripe leaves out unless they are asked for. */
function includable(state: State, holder: object, name: string): object | undefined {
  const id = 'id' in holder ? String(holder.id) : ''
  const list = (data: object[], url: string) => ({ object: 'list', url, has_more: false, data })
  if (name === 'line_items' && id in state.lineItems)
    return list(structuredClone(state.lineItems[id] ?? []), `/v1/checkout/sessions/${id}/line_items`)
  if (name === 'refunds' && id in state.charges) {
    const refunds = newestFirst(state.refunds).filter(({ charge }) => charge === id)
    return list(structuredClone(refunds), `/v1/charges/${id}/refunds`)
  }
  if (name === 'subscriptions' && id in state.customers) {
    const living = newestFirst(state.subscriptions).filter(
      ({ customer, status }) => customer === id && status !== 'canceled',
    )
    return list(structuredClone(living), `/v1/customers/${id}/subscriptions`)
  }
  if (name === 'payments' && id in state.invoices) {
    const payments = newestFirst(state.invoicePayments).filter(({ invoice }) => invoice === id)
    return list(structuredClone(payments), '/v1/invoice_payments')
  }
  return undefined
}

function byId(state: State, id: string): object | undefined {
  const collections = [
    state.customers,
    state.products,
    state.prices,
    state.coupons,
    state.promotionCodes,
    state.paymentMethods,
    state.paymentIntents,
    state.charges,
    state.refunds,
    state.disputes,
    state.sessions,
    state.subscriptions,
    state.invoices,
  ]
  for (const collection of collections) if (Object.hasOwn(collection, id)) return collection[id]
  return undefined
}
