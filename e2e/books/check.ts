/**
 * The two books side by side: what the provider would bill for each request, by its own account of what it did, and
 * what the ledger charged. Metered: the difference is 0. Cut: within what the evidence says, as the client saw it, even
 * if the provider had counted as many tokens of input as it may. Unsent, or refused by the provider: 0. What goes well
 * must be metered, nothing may be sent twice, and no hold may differ from its quote.
 */
import type { Bill } from '@faregate/simulators/provider'
import { account, call, type Entry } from '../harness/calls.ts'
import { micro } from '../harness/exchange.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { goesWell } from './plans.ts'
import type { Sent } from './run.ts'
import type { Rates } from './wires.ts'

/** How the run came out. `faults` names each request whose books differ. Microcredits. */
export type Balance = {
  counts: Record<string, number>
  billed: number
  charged: number
  metered: number
  cut: number
  unsent: number
  faults: string[]
}

/** Waits until every hold has ended, and compares. */
export async function balanceBooks(stack: Stack, sent: readonly Sent[]): Promise<Balance> {
  const balance: Balance = { counts: {}, billed: 0, charged: 0, metered: 0, cut: 0, unsent: 0, faults: [] }
  balance.faults.push(...(await untilIdle(stack, sent)))
  const bills = new Map<string, Bill>()
  for (const bill of stack.provider.bills()) {
    for (const key of bill.keys) {
      if (bills.has(key) && sent.some((each) => each.key === key))
        balance.faults.push(`${key} was sent twice`)
      bills.set(key, bill)
    }
  }
  for (const [user, requests] of Map.groupBy(sent, (each) => each.user)) {
    const charges = await chargesOf(stack, user, balance)
    const [known, unknown] = [true, false].map((is) =>
      requests.filter((each) => (each.requestId !== null) === is),
    )
    for (const request of known ?? []) {
      const index = charges.findIndex((each) => each.requestId === request.requestId)
      enter(balance, request, bills.get(request.key), takeAt(charges, index))
    }
    // Whoever was gone before the headers never learnt the id: one of the charges that are left must be theirs.
    for (const request of unknown ?? []) {
      const bill = bills.get(request.key)
      const index = charges.findIndex((each) => compared(request, bill, each).isRight)
      enter(balance, request, bill, takeAt(charges, index))
    }
    for (const { requestId } of charges)
      balance.faults.push(`${user}: ${requestId} was charged and never sent`)
  }
  return balance
}

/** Waits for the provider to be left alone; a request that it still answers long after is a connection that leaked. */
async function untilIdle(stack: Stack, sent: readonly Sent[]): Promise<string[]> {
  const open = () => stack.provider.bills().filter((bill) => bill.open)
  await until('the provider is idle', 30_000, () => open().length === 0).catch(() => {})
  return open().map((bill) => {
    const request = sent.find(({ key }) => bill.keys.includes(key))
    const { request: _, ...facts } = request ?? { request: null }
    const body = request && describe(request)
    return `still being answered: ${JSON.stringify({ ...facts, bill, body })}`
  })
}

/** The charges of a user whose requests have all ended; checks that they and the balance are the grant. */
async function chargesOf(stack: Stack, user: string, balance: Balance): Promise<Entry[]> {
  const token = await stack.clerk.mint({ user, plan: 'none' })
  const credits = await until(`nothing of ${user} is held`, 120_000, async () => {
    const { credits: now } = await account(stack, token)
    return now.held === 0 ? now : null
  })
  const all: Entry[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const answer = await call(stack, token, `/v1/account/entries?limit=500${cursor && `&cursor=${cursor}`}`)
    const page = (await answer.json()) as { data: Entry[]; nextCursor: string | null }
    all.push(...page.data)
    cursor = page.nextCursor
  }
  const sum = all.reduce((total, entry) => total + micro(entry.credits), 0)
  if (sum !== micro(credits.available)) balance.faults.push(`${user}: entries are ${sum}, the balance is not`)
  return all.filter(({ kind }) => kind === 'charge')
}

function takeAt(charges: Entry[], index: number): Entry | null {
  return (index < 0 ? null : charges.splice(index, 1)[0]) ?? null
}

type Kind = 'no charge' | 'released' | 'cut' | 'metered'
type Compared = { kind: Kind; billed: number; charged: number; isRight: boolean }

/** One request in both books. */
function compared(request: Sent, bill: Bill | undefined, entry: Entry | null): Compared {
  const charged = entry === null ? 0 : micro(-entry.credits)
  const isReleased = entry !== null && charged === 0 && entry.ended === 'error' && !entry.estimated
  const kind = entry === null ? 'no charge' : isReleased ? 'released' : entry.estimated ? 'cut' : 'metered'
  const billed = bill ? costOf(request, bill) : 0
  const [least, most] = entry && kind === 'cut' ? evidenceBounds(request, bill, entry) : [billed, billed]
  const isHeld = charged <= request.quote.most && (request.held ?? request.quote.most) === request.quote.most
  const isRight =
    least <= charged && charged <= most && isHeld && (kind === 'metered' || !mustBeMetered(request))
  return { kind, billed, charged, isRight }
}

/** The gateway's patience with a silent provider in this run, in ms: with a machine this slow, anything may be cut. */
const PATIENCE_MS = 600

/** Nothing stood in the way of the answer, so that nothing but its own usage may be charged. */
function mustBeMetered({ client, request, elapsedMs }: Sent): boolean {
  return client === 'reads' && goesWell(request.script) && elapsedMs < PATIENCE_MS
}

/**
 * The least and the most that evidence may come to: the input's bound, unless the provider told the input before the
 * cut, a token for each byte of output that was seen, and one for each millisecond of work that may have been out of
 * sight.
 */
function evidenceBounds(request: Sent, bill: Bill | undefined, entry: Entry): [number, number] {
  const { client, elapsedMs, text, quote } = request
  const { rates, script } = request.request
  const each = Math.max(rates.output ?? 0, rates.audioOutput ?? 0, rates.imageOutput ?? 0)
  const inputMost = quote.most - each * quote.outputTokensMax
  const reads = client === 'reads'
  // What left the provider in the moment of a hang-up, the client's or the gateway's (it understood nothing, or waited
  // too long), or before a reset, is nobody's to know, but for what the client has seen.
  const isCutHere = script.badSse === true || script.gzip === true || script.reset === 'mid'
  const isHungUp = !reads || isCutHere || (elapsedMs >= PATIENCE_MS && script.hang === undefined)
  const written = bill && !isHungUp ? bill.completionTokens : 0
  const tokens = Math.min(quote.outputTokensMax, Math.max(written, bytesSaid(text)))
  const isInputTold = bill !== undefined && entry.usage?.inputTokens === bill.promptTokens
  const inputLeast = isInputTold ? costOf(request, { ...bill, completionTokens: 0 }) : inputMost
  // A picture is drawn out of sight; sound is counted by the bytes that a token has at least.
  const isText =
    rates.output !== undefined && rates.audioOutput === undefined && rates.imageOutput === undefined
  const seen = text.length + Math.ceil(elapsedMs) * request.request.answers + (bill?.completionTokens ?? 0)
  const outputMost = reads && isText ? Math.min(quote.outputTokensMax, seen) : quote.outputTokensMax
  return [inputLeast + (rates.output ?? 0) * tokens, inputMost + each * outputMost]
}

/** Bytes of what the simulated provider says, "wordword…"; what is said again at an answer's end left out. */
function bytesSaid(text: string): number {
  const lines = text
    .split('\n')
    .filter((line) => !/\.done"|"response\.(completed|incomplete|failed)"/.test(line))
  return lines.join('').match(/word/g)?.join('').length ?? 0
}

/** Adds a request to the sums, and to the faults if its books differ. */
function enter(balance: Balance, request: Sent, bill: Bill | undefined, entry: Entry | null): void {
  const { kind, billed, charged, isRight } = compared(request, bill, entry)
  const name = `${request.wire}: ${kind}`
  balance.counts[name] = (balance.counts[name] ?? 0) + 1
  balance.billed += billed
  balance.charged += charged
  if (kind === 'metered') balance.metered += 1
  else if (kind === 'cut') balance.cut += 1
  else balance.unsent += 1
  if (isRight) return
  const { key, status, client, held } = request
  const facts = { key, status, client, held, billed, charged, entry, bill, body: describe(request) }
  balance.faults.push(`${name}: ${JSON.stringify(facts)}`)
}

function describe({ request: { path, body } }: Sent): string {
  return `${path} ${typeof body === 'string' ? body.slice(0, 800) : 'a form'}`
}

/** What a bill comes to, in microcredits, rounded up once. A price per request is asked for what was begun. */
function costOf({ request }: Sent, bill: Bill): number {
  const { rates } = request
  const answers = bill.status === 200 || bill.promptTokens > 0 ? request.answers : 0
  const parts: [number, keyof Rates][] = [
    [bill.cachedTokens, 'cachedInput'],
    [bill.cacheWriteTokens, 'cacheWrite'],
    [bill.longCacheWriteTokens, 'longCacheWrite'],
    [bill.audioInputTokens, 'audioInput'],
    [bill.imageInputTokens, 'imageInput'],
  ]
  const outputs: [number, keyof Rates][] = [
    [bill.audioOutputTokens, 'audioOutput'],
    [bill.imageOutputTokens, 'imageOutput'],
  ]
  const sum = (all: typeof parts, rest: number, plain: keyof Rates) =>
    all.reduce((cost, [tokens, rate]) => cost + tokens * (rates[rate] ?? rates[plain] ?? 0), 0) +
    (rest - all.reduce((tokens, [each]) => tokens + each, 0)) * (rates[plain] ?? 0)
  return Math.ceil(
    sum(parts, bill.promptTokens, 'input') +
      sum(outputs, bill.completionTokens, 'output') +
      bill.toolCalls * (rates.toolCall ?? 0) +
      bill.audioSeconds * (rates.audioSecond ?? 0) +
      bill.characters * (rates.character ?? 0) +
      answers * (rates.perRequest ?? 0),
  )
}
