/**
 * Whatever is asked of an account, in whatever order and at whatever time, its books hold: invariants 1, 2, 3,
 * 5, 6, 7 and 11 of the design. A failure prints fast-check's seed and the shortest sequence that shows it.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Account, Hold } from './account.ts'
import type {
  Checkpoint,
  Command,
  EndReply,
  Lapse,
  Release,
  Reserve,
  ReserveReply,
  Settle,
} from './command.ts'
import type { Entry } from './entry.ts'
import type { Refusal } from './refusal.ts'
import type { Result } from './result.ts'
import { createLedger, type Ledger, noon, propertyTimeout, runsFactor } from './test-kit.ts'
import * as model from './test-kit-model.ts'
import { anyStep, catalog, commandOf, type Step } from './test-kit-steps.ts'

const runs = 1000 * runsFactor

/** Everything about one command that ran: the books before and after it, and its answer. */
type Ran = {
  command: Command
  now: number
  before: Account
  holdsBefore: ReadonlyMap<string, Hold>
  entriesBefore: readonly Entry[]
  wrote: boolean
  result: Result<unknown, Refusal>
  after: Account
  ledger: Ledger
  /** The commands that were accepted until now, this one included. */
  accepted: readonly Command[]
}

type Check = (ran: Ran) => void

/** Lives the steps, and calls `check` after each command and `last` at the end. */
function live(
  steps: Step[],
  check: Check,
  last: (ledger: Ledger, accepted: Command[]) => void = () => {},
): void {
  const ledger = createLedger(catalog, noon)
  const history: Command[] = []
  const accepted: Command[] = []
  for (const step of steps) {
    if (step.do === 'wait') {
      ledger.now += step.ms
      continue
    }
    const command = commandOf(step, ledger, history)
    if (!command) continue
    const before = ledger.account()
    const holdsBefore = new Map(ledger.holds)
    const entriesBefore = [...ledger.entries]
    const writes = ledger.writes
    const result = ledger.run(command)
    history.push(command)
    if (result.ok) accepted.push(command)
    const wrote = ledger.writes > writes
    const after = ledger.account()
    const now = ledger.now
    check({ command, now, before, holdsBefore, entriesBefore, wrote, result, after, ledger, accepted })
  }
  last(ledger, accepted)
}

function property(name: string, check: Check, last?: Parameters<typeof live>[2]): void {
  test(name, propertyTimeout, () => {
    const steps = fc.array(anyStep, { maxLength: 60, size: 'max' })
    fc.assert(
      fc.property(steps, (sequence) => live(sequence, check, last)),
      { numRuns: runs },
    )
  })
}

function isEnding(command: Command): command is Checkpoint | Settle | Release | Lapse {
  return 'holdId' in command
}

describe('in every sequence of commands', () => {
  property(
    'the books balance after every commit, and by folding the entries (1)',
    ({ after, ledger, now, wrote, command }) => {
      model.checkConservation(after, ledger.entries)
      model.checkHolds(after, ledger.holds)
      if (wrote && command.kind !== 'checkpoint') model.checkExpiries(after, now)
    },
  )

  property('a refusal changes nothing', ({ result, before, after, wrote, ledger, entriesBefore }) => {
    if (result.ok) return
    expect(wrote).toBe(false)
    expect(after.version).toBe(before.version)
    expect(ledger.entries.length).toBe(entriesBefore.length)
    expect(result.error.message.length).toBeGreaterThan(10)
  })

  property('a reserve commits exactly when the credits are there (2)', checkReserve)

  property('a hold covers all that its request can cost, and draws in burn order (3, 11)', (ran) => {
    const hold = newHold(ran)
    if (!hold) return
    const { price, inputTokens, outputTokensMax, choices, amount } = hold
    expect(BigInt(amount)).toBe(model.referenceMax(price, inputTokens, outputTokensMax * choices))
    const drawn = hold.draws.map(({ grantId }) => ran.after.grants.find(({ id }) => id === grantId))
    for (const [index, grant] of drawn.entries()) {
      const next = drawn[index + 1]
      if (!grant) throw new Error('a hold names a grant that is gone')
      if (next) expect(model.burnsBefore(grant, next)).toBe(true)
      // All but the last are drawn dry, and nothing that burns earlier was passed over.
      if (next) expect(grant.available).toBe(0)
      for (const other of ran.after.grants) {
        if (other.available > 0) expect(model.burnsBefore(other, grant)).toBe(false)
      }
    }
  })

  property('each hold ends once; a repeat answers the same and writes nothing (5)', checkEnding, (ledger) =>
    model.checkEndings(ledger),
  )

  property('a lease lapses when it is over and not before, at what the request surely cost (6)', checkLapse)

  property('one grant per business object, one allowance per plan and month (7)', checkAllowance)

  property('revocations take a grant, then purchases, then make debt (11)', checkRevoke, (ledger, accepted) =>
    model.checkRevocations(ledger, accepted),
  )

  property('purchases repay debt, allowances do not, and in debt nothing is admitted (11)', checkDebt)
})

function newHold({ command, result, ledger, holdsBefore }: Ran): Hold | undefined {
  if (command.kind !== 'reserve' || !result.ok || holdsBefore.has(command.id)) return undefined
  return ledger.holds.get(command.id)
}

/** The allowance that a reserve finds due, from the entries that it wrote. */
function allowanceIn(ran: Ran): number {
  return ran.ledger.entries
    .slice(ran.entriesBefore.length)
    .reduce(
      (sum, { source, kind, credits }) => sum + (source === 'allowance' && kind === 'grant' ? credits : 0),
      0,
    )
}

/** The allowance of its plan comes with the first request of a month: exactly one, and for who may have it. */
function checkAllowance(ran: Ran): void {
  const { command, entriesBefore, wrote, result, ledger, now } = ran
  const repeated = 'id' in command && entriesBefore.some(({ id }) => id === command.id)
  if (repeated) expect(wrote).toBe(false)
  expect(new Set(ledger.entries.map(({ id }) => id)).size).toBe(ledger.entries.length)
  const written = ledger.entries.slice(entriesBefore.length)
  const granted = written.filter(({ source, kind }) => source === 'allowance' && kind === 'grant')
  if (command.kind !== 'reserve' || !newHold(ran) || !result.ok) {
    expect(granted).toEqual([])
    return
  }
  const plan = catalog.plans.get((result.value as ReserveReply).plan)
  const served = command.payer === 'user' || plan?.audience === 'organization'
  const due = plan && plan.allowance > 0 && served ? model.dueMonth(plan.id, entriesBefore, now) : null
  expect(granted.map(({ id, credits }) => [id, credits])).toEqual(due ? [[due, plan?.allowance]] : [])
}

function checkReserve(ran: Ran): void {
  const { command, result, before, after, now, holdsBefore, entriesBefore } = ran
  if (command.kind !== 'reserve' || holdsBefore.has(command.id)) return
  if (entriesBefore.some(({ id }) => id === command.id)) {
    expect(result).toMatchObject({ ok: false, error: { code: 'idempotency_conflict' } })
    return
  }
  const available = model.liveAvailable(before.grants, now)
  if (result.ok) {
    const { hold, available: left } = result.value as ReserveReply
    const had = available + allowanceIn(ran)
    expect(hold.amount).toBeLessThanOrEqual(had)
    expect(left).toBe(had - hold.amount)
    expect(model.liveAvailable(after.grants, now)).toBe(left)
    expect(after.blocked || after.debt > 0).toBe(false)
    const key = before.keys.find(({ hash }) => hash === command.keyHash)
    const keyMay = key && key.creditsMax !== null ? key.creditsMax - key.spent - key.held : had
    checkCap(command, hold, Math.min(had, keyMay))
    return
  }
  const { code } = result.error
  const known = ['blocked', 'account_in_debt', 'model_not_in_plan', 'token_expired', 'invalid_token']
  if (known.includes(code) || code === 'rate_limited') return
  if (code === 'request_too_large_for_plan') {
    // Of the one plan that counts tokens: a missing cap is never what makes a request too large for it.
    const least = command.inputTokens + 256 * command.choices
    const fits = command.output.asked === null && least <= 9000
    if (fits) expect(result.error.message).not.toContain('tokens')
    return
  }
  expect(code).toBe('insufficient_credits')
  if (command.keyHash !== null && result.error.message.includes('this Faregate key may spend')) return
  const wanted = Math.min(command.output.asked ?? 256, command.output.max ?? 256 ** 6, 6000)
  // Only as an upper bound: a plan may lower the cap to 6,000, and a month's allowance may have been due.
  const least = command.output.asked === null ? Math.min(256, wanted) : wanted
  if (command.output.asked === null || command.output.asked <= 6000) {
    const amount = model.referenceMax(command.price, command.inputTokens, least * command.choices)
    expect(amount > BigInt(available)).toBe(true)
  }
}

/** An asked cap is granted as asked (or the model's or plan's); a missing one is as large as it may be. */
function checkCap({ output, price, inputTokens, choices }: Reserve, hold: Hold, available: number): void {
  const ceiling = Math.min(output.max ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  if (output.asked !== null) {
    expect([Math.min(output.asked, ceiling), Math.min(output.asked, ceiling, 6000)]).toContain(
      hold.outputTokensMax,
    )
    return
  }
  const wanted = Math.min(output.default, ceiling)
  expect(hold.outputTokensMax).toBeLessThanOrEqual(wanted)
  expect(hold.outputTokensMax).toBeGreaterThanOrEqual(Math.min(256, wanted))
  if (hold.outputTokensMax === wanted) return
  const oneMore = model.referenceMax(price, inputTokens, (hold.outputTokensMax + 1) * choices)
  // Below what was wanted only for want of credits, or of room in the one plan that counts tokens.
  const room = Math.floor((9000 - inputTokens) / choices)
  expect(oneMore > BigInt(available) || hold.outputTokensMax === Math.max(256, room)).toBe(true)
}

function checkEnding(ran: Ran): void {
  const { command, result, before, after, holdsBefore, entriesBefore, wrote, ledger } = ran
  if (!isEnding(command)) return
  const hold = holdsBefore.get(command.holdId)
  if (!hold) {
    const recorded = entriesBefore.find(({ id }) => id === command.holdId)
    expect(wrote).toBe(false)
    if (!recorded || !result.ok) throw new Error('the step named a hold that never was')
    const { charged, ended, estimated } = result.value as EndReply
    expect({ charged: 0 - charged, ended, estimated }).toEqual({
      charged: recorded.credits + 0,
      ended: recorded.ended,
      estimated: recorded.estimated ?? false,
    })
    return
  }
  if (!result.ok) throw new Error('a live hold always answers')
  if (command.kind === 'checkpoint') {
    expect(after).toBe(before)
    expect(ledger.entries.length).toBe(entriesBefore.length)
    const cost = model.referenceCharge(hold.price, model.referenceCost(hold.price, command.usage))
    const { checkpoint, leaseUntil, amount } = ledger.holds.get(command.holdId) ?? hold
    expect(checkpoint).toBe(Math.max(hold.checkpoint, Math.min(Number(cost), amount)))
    expect(leaseUntil).toBe(ran.now + 60_000)
  }
  if (command.kind === 'settle') {
    const cost = model.referenceCharge(hold.price, model.referenceCost(hold.price, command.usage))
    expect((result.value as EndReply).charged).toBe(Math.min(Number(cost), hold.amount))
    const { inputTokens, outputTokens } = command.usage
    const within = inputTokens <= hold.inputTokens && outputTokens <= hold.outputTokensMax * hold.choices
    if (within) expect(Number(cost)).toBeLessThanOrEqual(hold.amount)
  }
  if (command.kind === 'release') expect((result.value as EndReply).charged).toBe(0)
  if (command.kind === 'settle' || command.kind === 'release') {
    expect(ledger.holds.has(hold.id)).toBe(false)
    const { charged } = result.value as EndReply
    const lines = ledger.entries.filter(({ id }) => id === hold.id)
    expect(lines.map(({ kind, credits }) => [kind, credits + 0])).toEqual([['charge', 0 - charged]])
    expect(after.totals.charged - before.totals.charged).toBe(charged)
  }
}

function checkLapse({ command, result, holdsBefore, now, wrote, ledger }: Ran): void {
  if (command.kind !== 'lapse') return
  const hold = holdsBefore.get(command.holdId)
  if (!hold) return
  if (!result.ok) throw new Error('a live hold always answers')
  const reply = result.value as EndReply
  if (now < hold.leaseUntil && hold.leaseUntil <= now + 120_000) {
    expect([wrote, reply.ended, ledger.holds.get(hold.id)]).toEqual([false, null, hold])
    return
  }
  const plain = model.usage(hold.inputTokens, 0)
  const written = { ...plain, cacheWriteTokens: hold.inputTokens }
  const cached = { ...plain, cachedInputTokens: hold.inputTokens }
  const inputs = [plain, written, cached].map((each) =>
    Number(model.referenceCharge(hold.price, model.referenceCost(hold.price, each))),
  )
  const charged = Math.max(...inputs, hold.checkpoint)
  expect(charged).toBeLessThanOrEqual(hold.amount)
  expect(reply).toMatchObject({ charged, ended: 'lapsed', estimated: true })
  expect(ledger.holds.has(hold.id)).toBe(false)
}

function checkRevoke({ command, result, before, after, now, wrote, ledger, accepted }: Ran): void {
  if (command.kind !== 'revoke' || !result.ok || !wrote) return
  const taken = after.totals.revoked - before.totals.revoked
  expect(ledger.entries.at(-1)).toMatchObject({ kind: 'revoke', id: command.id })
  const left = (account: Account, of: (id: string, source: string) => boolean) =>
    model.liveAvailable(
      account.grants.filter(({ id, source }) => of(id, source)),
      now,
    )
  if (command.grantId === null) {
    expect(after.debt).toBe(before.debt)
    expect(taken).toBe(
      Math.min(
        command.credits ?? Number.MAX_SAFE_INTEGER,
        left(before, () => true),
      ),
    )
    return
  }
  const { grantId } = command
  const own = (id: string) =>
    id === grantId || accepted.some((c) => c.kind === 'restore' && c.id === id && c.grantId === grantId)
  const others = (id: string, source: string) => !own(id) && source === 'purchase'
  const spared = (id: string, source: string) => !own(id) && source !== 'purchase'
  const fromOwn = Math.min(taken, left(before, own))
  const fromOthers = Math.min(taken - fromOwn, left(before, others))
  expect(left(before, own) - left(after, own)).toBe(fromOwn)
  expect(left(before, others) - left(after, others)).toBe(fromOthers)
  expect(left(after, spared)).toBe(left(before, spared))
  expect(after.debt - before.debt).toBe(taken - fromOwn - fromOthers)
}

function checkDebt({ command, result, before, after, wrote, holdsBefore, now }: Ran): void {
  if (command.kind === 'reserve' && before.debt > 0 && !holdsBefore.has(command.id)) {
    expect(result.ok).toBe(false)
  }
  if (!wrote) return
  if (command.kind === 'grant' || command.kind === 'restore') {
    expect(after.debt).toBe(Math.max(0, before.debt - command.credits))
    expect(after.totals.granted - before.totals.granted).toBe(command.credits)
  }
  if (!isEnding(command) || command.kind === 'checkpoint') return
  const hold = holdsBefore.get(command.holdId)
  if (!hold) return
  // What a hold gives back repays debt too, unless an allowance gave it or its grant has expired.
  let unspent = after.totals.charged - before.totals.charged
  let back = 0
  let over = 0
  for (const { grantId, amount } of hold.draws) {
    const grant = before.grants.find(({ id }) => id === grantId)
    const returned = amount - Math.min(unspent, amount)
    unspent -= amount - returned
    if (grant && model.isOver(grant, now)) over += returned
    else if (grant?.source !== 'allowance') back += returned
  }
  const lost = before.grants.filter((g) => model.isOver(g, now)).reduce((sum, g) => sum + g.available, 0)
  expect(after.debt).toBe(Math.max(0, before.debt - back))
  expect(after.totals.expired - before.totals.expired).toBe(over + lost)
}
